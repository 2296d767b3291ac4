//! Sold programs against real servers: many at once, on either database, and from a machine without network.

use std::thread;

use base64ct::{Base64UrlUnpadded, Encoding};
use http::Method;
use serde_json::{Value, json};

use crate::shop::{Folder, Server, run, said};

/// Sells one license of 60 images on 3 machines, and gives its code.
fn sell(server: &Server, folder: &Folder) -> String {
    let admin = |method: Method, path: &str, body: &Value| {
        server.call(method, &format!("/v1/admin/{path}"), &folder.admin_key, "-", body)
    };
    admin(Method::POST, "products", &json!({ "slug": "tool", "kind": "service", "title": "Tool" }));
    let token =
        server.call(Method::GET, "/v1/vendor", "", "-", &Value::Null)["token"]["code"].clone();
    let free = json!({ "amount": 0, "unit": token });
    let terms = json!({ "kind": "processings", "count": 60, "unit": "images" });
    let offer = json!({ "price": free, "terms": terms, "limits": { "machines": 3 } });
    admin(Method::PUT, "products/tool/offers/kit", &offer);
    admin(Method::POST, "products/tool/publish", &json!({}));
    let who = json!({ "email": "ada@example.org", "password": "correct horse" });
    let ada = server.call(Method::POST, "/v1/accounts", "", "-", &who)["token"].clone();
    let ada = ada.as_str().unwrap();
    let product = server.call(Method::GET, "/v1/products/tool", ada, "-", &Value::Null);
    let line = json!({ "offer": product["offers"][0]["id"] });
    let body = json!({ "lines": [line], "expected_total": free });
    let paid = server.call(Method::POST, "/v1/purchases", ada, "buy", &body);
    paid["licenses"][0]["code"]["jws"].as_str().unwrap().to_owned()
}

fn ask(server: &Server, verb: &str, body: &Value) -> Value {
    let path = format!("/v1/licenses/{verb}");
    loop {
        let (status, answer) = server.ask(Method::POST, &path, "", "-", body);
        // Nobody knows: with the same key that is no matter.
        if status != 503 {
            assert_eq!(status, 200, "{answer}");
            return answer;
        }
    }
}

/// What many clients are answered who all ask at once, each the server of its turn.
fn at_once(servers: &[&Server], verb: &str, bodies: &[Value]) -> Vec<Value> {
    thread::scope(|scope| {
        let asks: Vec<_> = bodies
            .iter()
            .zip(servers.iter().cycle())
            .map(|(body, server)| scope.spawn(move || ask(server, verb, body)))
            .collect();
        asks.into_iter().map(|ask| ask.join().unwrap()).collect()
    })
}

fn valid(answers: &[Value]) -> usize {
    answers.iter().filter(|answer| answer["valid"] == true).count()
}

/// Fifty machines for three seats, a hundred takings of sixty, and one key from fifty clients.
fn nothing_is_given_twice(servers: &[&Server], code: &str) {
    let machine =
        |number: usize| json!({ "code": code, "fingerprint": format!("machine {number}") });
    let machines: Vec<_> = (0..50).map(machine).collect();
    let answers = at_once(servers, "activate", &machines);
    assert_eq!(valid(&answers), 3);
    let seated = answers.iter().position(|answer| answer["valid"] == true).unwrap();
    let take = |key: String| json!({ "code": code, "fingerprint": format!("machine {seated}"), "key": key, "units": 1 });
    let one: Vec<_> = (0..50).map(|_| take("the-one".to_owned())).collect();
    let answers = at_once(servers, "consume", &one);
    assert!(answers.iter().all(|answer| answer["consumption"] == answers[0]["consumption"]));
    let keys: Vec<_> = (0..100).map(|number| take(format!("k{number}"))).collect();
    let answers = at_once(servers, "consume", &keys);
    assert_eq!(valid(&answers), 59, "one was taken before");
    let mut left: Vec<_> =
        answers.iter().filter_map(|answer| answer["consumption"]["left"].as_u64()).collect();
    left.sort_unstable();
    assert_eq!(left, (0..59).collect::<Vec<_>>(), "each saw another rest");
}

#[test]
fn on_one_file_nothing_is_given_twice() {
    let folder = Folder::new();
    let server = folder.serve();
    let code = sell(&server, &folder);
    nothing_is_given_twice(&[&server], &code);
    let (text, exit) = said(&run(&["doctor", "--config", &folder.config()]));
    assert_eq!(exit, 0, "{text}");
}

#[test]
fn by_two_servers_on_one_postgresql_nothing_is_given_twice() {
    let folder = Folder::on_postgres("licensing");
    let (one, two) = (folder.serve_as(0), folder.serve_as(1));
    let code = sell(&one, &folder);
    nothing_is_given_twice(&[&one, &two], &code);
    let (text, exit) = said(&run(&["doctor", "--config", &folder.config()]));
    assert_eq!(exit, 0, "{text}");
}

#[test]
fn a_machine_without_network_is_activated_by_a_request_that_is_carried() {
    let folder = Folder::new();
    let server = folder.serve();
    let code = sell(&server, &folder);
    let request = |fingerprint: &str| {
        let body = json!({ "code": code, "fingerprint": fingerprint, "name": "in the cellar" });
        Base64UrlUnpadded::encode_string(body.to_string().as_bytes())
    };
    let activate = |request: &str, more: &[&str]| {
        said(&run(&[&["activate", request, "--server", &server.url][..], more].concat()))
    };
    let (lease, exit) = activate(&request("cellar"), &[]);
    assert_eq!((lease.trim().split('.').count(), exit), (3, 0), "{lease}");
    let broken: String = request("cellar").chars().flat_map(|c| [c, '\n']).collect();
    let (answer, exit) = activate(&broken, &["--json"]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["activation"]["name"], exit), (&json!("in the cellar"), 0));
    for number in 0..2 {
        assert_eq!(activate(&request(&format!("desk {number}")), &[]).1, 0);
    }
    let (text, exit) = activate(&request("one more"), &[]);
    assert_eq!((text.contains("MACHINE_LIMIT"), exit), (true, 1), "{text}");
    let whole = request("cellar");
    for bad in ["", "no request", &whole[..whole.len() - 3], &code] {
        let (text, exit) = activate(bad, &[]);
        assert_eq!(exit, 2, "{bad}: {text}");
    }
}

#[test]
fn staff_manages_licenses_from_the_command_line() {
    let folder = Folder::new();
    let server = folder.serve();
    let code = sell(&server, &folder);
    let active = ask(&server, "activate", &json!({ "code": code, "fingerprint": "desk" }));
    let license = active["license"]["id"].as_str().unwrap();
    let machine = active["activation"]["id"].as_str().unwrap();
    let licenses = |args: &[&str]| server.admin(&folder, &[&["licenses"], args].concat());
    let validity = || ask(&server, "validate", &json!({ "code": code }))["code"].clone();

    let listed = licenses(&["list"]);
    assert_eq!(listed["data"][0]["id"], license);
    let account = listed["data"][0]["account"].as_str().unwrap();
    assert_eq!(licenses(&["list", "--account", account])["data"][0]["id"], license);
    assert_eq!(licenses(&["show", license])["activations"][0]["id"], machine);
    let why = ["--reason", "to see"];
    let on = |verb: &str| licenses(&[&[verb, license][..], &why].concat());
    assert_eq!(
        (on("suspend")["state"].clone(), validity()),
        (json!("suspended"), json!("SUSPENDED"))
    );
    assert_eq!((on("resume")["state"].clone(), validity()), (json!("valid"), json!("VALID")));
    let gone = licenses(&[&["deactivate", license, machine][..], &why].concat());
    assert_eq!((&gone["machines"]["active"], &gone["moves"]), (&json!(0), &json!(0)));
    let reissue = [&["reissue", license][..], &why, &["--key", "r1"]].concat();
    assert_eq!((licenses(&reissue)["issue"].clone(), validity()), (json!(2), json!("SUPERSEDED")));
    assert_eq!(licenses(&reissue)["issue"], 2, "the same key, once");
    assert_eq!(on("revoke")["state"], "revoked");

    let admin = ["admin", "--server", &server.url, "--admin-key", &folder.admin_key, "licenses"];
    let (text, exit) = said(&run(&[&admin[..], &["list"]].concat()));
    assert!(exit == 0 && text.contains(license) && text.contains("revoked"), "{text}");
    let (text, exit) = said(&run(&[&admin[..], &["show", license]].concat()));
    assert!(exit == 0 && text.contains("60 images are left"), "{text}");
    let (text, exit) = said(&run(&[&admin[..], &["suspend", license], &why].concat()));
    assert!(exit == 1 && text.contains("revoked"), "{text}");
}
