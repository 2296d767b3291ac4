//! What stands between the adapter and localstripe: it adds what localstripe lacks of Stripe (idempotency
//! keys, risk, disputes, redirects, lists by customer), and loses, delays and spoils answers when told to.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// What befalls one call.
#[derive(Clone, Debug)]
pub enum Mishap {
    /// Nothing does.
    Answered,
    /// It does not arrive.
    LostBefore,
    /// It is carried out, and its answer does not come back.
    LostAfter,
    /// It is carried out, and its answer comes only when the gate has a permit.
    Held(Arc<Semaphore>),
    /// The same of the next call whose path ends so; others pass it by.
    HeldAt(&'static str, Arc<Semaphore>),
    /// It is carried out, and something else is answered.
    Garbage(&'static str),
    /// It is not carried out, and this status is answered.
    Status(u16),
}

/// An answer that is on its way.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

/// The proxy.
pub struct Proxy {
    upstream: SocketAddr,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    mishaps: VecDeque<Mishap>,
    /// First answers, by idempotency key, each with the form that it answered.
    remembered: BTreeMap<String, (Bytes, Reply)>,
    /// By payment.
    risks: BTreeMap<String, (String, u8)>,
    /// Of the next payment that is asked for.
    next_risk: Option<(String, u8)>,
    disputes: BTreeMap<String, Value>,
    return_urls: BTreeMap<String, String>,
    /// Pages that ask for a card, by their addresses: the forms that they were asked for with.
    pages: BTreeMap<String, Vec<(String, String)>>,
}

/// A request that was read to its end.
struct Call {
    method: Method,
    /// With the query.
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Proxy {
    /// Listens, and forwards to localstripe at `upstream`.
    pub async fn start(upstream: SocketAddr) -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let proxy = Arc::new(Self { upstream, state: Mutex::default() });
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let proxy = serving.clone();
                let service = service_fn(move |request| {
                    let proxy = proxy.clone();
                    async move { proxy.answer(request).await }
                });
                let server = hyper::server::conn::http1::Builder::new();
                // A connection that was cut on purpose ends in an error.
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        (proxy, format!("http://{address}"))
    }

    /// What befalls the next calls, one each.
    pub fn let_happen(&self, mishaps: impl IntoIterator<Item = Mishap>) {
        self.state().mishaps.extend(mishaps);
    }

    /// A day passes: Stripe forgets idempotency keys.
    pub fn forget_keys(&self) {
        self.state().remembered.clear();
    }

    /// What Stripe thinks of the buyer of a payment.
    pub fn assess(&self, payment: &str, level: &str, score: u8) {
        self.state().risks.insert(payment.to_owned(), (level.to_owned(), score));
    }

    /// What Stripe thinks of the buyer of the next payment.
    pub fn assess_next(&self, level: &str, score: u8) {
        self.state().next_risk = Some((level.to_owned(), score));
    }

    /// The buyer's bank disputes a payment, or decides.
    pub fn dispute(&self, payment: &str, status: &str, amount: u64) {
        let dispute = json!({
            "id": format!("dp_{payment}"), "object": "dispute", "amount": amount, "currency": "eur",
            "status": status, "reason": "fraudulent", "payment_intent": payment,
        });
        self.state().disputes.insert(payment.to_owned(), dispute);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no case panics while it holds this")
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
        let (head, body) = request.into_parts();
        let call = Call {
            method: head.method,
            path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: head.headers,
            body: body.collect().await.map_err(|_| Cut)?.to_bytes(),
        };
        let mishap = self.mishap(&call);
        match mishap {
            Some(Mishap::LostBefore) => return Err(Cut),
            Some(Mishap::Status(status)) => {
                let body = json!({"error": {"type": "api_error", "message": "later"}}).to_string();
                return Ok(response(status, body, false));
            }
            _ => {}
        }
        let (reply, replayed) = self.once(&call).await;
        match mishap {
            Some(Mishap::LostAfter) => return Err(Cut),
            Some(Mishap::Garbage(text)) => return Ok(response(200, text.to_owned(), false)),
            Some(Mishap::Held(gate) | Mishap::HeldAt(_, gate)) => {
                gate.acquire().await.expect("it stays open").forget();
            }
            _ => {}
        }
        Ok(response(reply.status, reply.body.to_string(), replayed))
    }

    /// What befalls a call.
    fn mishap(&self, call: &Call) -> Option<Mishap> {
        let mishaps = &mut self.state().mishaps;
        match mishaps.front() {
            Some(Mishap::HeldAt(end, _)) if !call.path.ends_with(end) => None,
            _ => mishaps.pop_front(),
        }
    }

    /// Stripe's memory of idempotency keys.
    async fn once(&self, call: &Call) -> (Reply, bool) {
        let key = call.headers.get("idempotency-key").and_then(|key| key.to_str().ok());
        let Some(key) = key.map(|key| format!("{} {key}", call.path)) else {
            return (self.carry_out(call).await, false);
        };
        let first = self.state().remembered.get(&key).cloned();
        match first {
            Some((form, reply)) if form == call.body => (reply, true),
            Some(_) => (refused(400, "idempotency_error", None), false),
            None => {
                let reply = self.carry_out(call).await;
                self.state().remembered.insert(key, (call.body.clone(), reply.clone()));
                (reply, false)
            }
        }
    }

    /// As Stripe would, by what localstripe can.
    async fn carry_out(&self, call: &Call) -> Reply {
        let path = call.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match (call.method.as_str(), parts.as_slice()) {
            ("GET", ["disputes"]) => self.disputes(&query(&call.path, "payment_intent")),
            ("GET", ["payment_intents"]) => self.list(call, &query(&call.path, "customer")).await,
            ("POST", ["payment_intents"]) => self.authorize(call).await,
            ("POST", ["payment_intents", id, "capture"]) => {
                let before = self.upstream(call, "GET", &format!("/v1/payment_intents/{id}")).await;
                if before.body["status"] != "requires_capture" {
                    return refused(400, "payment_intent_unexpected_state", Some(id));
                }
                self.complete(self.forward(call).await)
            }
            ("POST", ["payment_intents", id, "cancel"]) => {
                let reply = self.forward(call).await;
                match reply.status {
                    400 => refused(400, "payment_intent_unexpected_state", Some(id)),
                    _ => self.complete(reply),
                }
            }
            ("POST", ["checkout", "sessions"]) => self.page(call),
            (_, ["payment_intents", ..]) => self.complete(self.forward(call).await),
            _ => self.forward(call).await,
        }
    }

    fn disputes(&self, payment: &str) -> Reply {
        let data: Vec<Value> = self.state().disputes.get(payment).cloned().into_iter().collect();
        Reply { status: 200, body: json!({"object": "list", "data": data, "has_more": false}) }
    }

    /// A page that asks for a card; localstripe has none.
    fn page(&self, call: &Call) -> Reply {
        let form: Vec<(String, String)> = form_urlencoded::parse(&call.body).into_owned().collect();
        let pages = &mut self.state().pages;
        let id = format!("cs_test_{}", pages.len());
        let url = format!("https://checkout.example/c/pay/{id}#fid");
        pages.insert(url.clone(), form);
        Reply { status: 200, body: json!({"id": id, "object": "checkout.session", "url": url}) }
    }

    /// What a page was asked for with, by its address.
    pub fn asked(&self, page: &str) -> BTreeMap<String, String> {
        self.state().pages.get(page).cloned().into_iter().flatten().collect()
    }

    /// localstripe lists everybody's, the oldest first.
    async fn list(&self, call: &Call, customer: &str) -> Reply {
        let all = "/v1/payment_intents?limit=1000&expand[]=data.latest_charge.balance_transaction";
        let mut reply = self.upstream(call, "GET", all).await;
        if let Some(data) = reply.body["data"].as_array_mut() {
            data.retain(|intent| intent["customer"] == customer);
            data.reverse();
            data.iter_mut().for_each(|intent| self.complete_intent(intent));
        }
        reply
    }

    /// localstripe knows neither `return_url` nor `description`, and does not name the payment that a bank
    /// declined.
    async fn authorize(&self, call: &Call) -> Reply {
        let pairs: Vec<_> = form_urlencoded::parse(&call.body).collect();
        let unknown = ["return_url", "description"];
        let known = pairs.iter().filter(|(name, _)| !unknown.contains(&name.as_ref()));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(known).finish();
        let mut reply = self.send(call, "POST", &call.path, form.into()).await;
        if let Some(charge) = reply.body["error"]["charge"].as_str() {
            let charge = self.upstream(call, "GET", &format!("/v1/charges/{charge}")).await;
            reply.body["error"]["payment_intent"] = json!({"id": charge.body["payment_intent"]});
            reply.body["error"]["type"] = json!("card_error");
        }
        let url = pairs.iter().find(|(name, _)| name == "return_url");
        if let Some(id) = reply.body["id"].as_str() {
            let mut state = self.state();
            if let Some((_, url)) = url {
                state.return_urls.insert(id.to_owned(), url.to_string());
            }
            if let Some(risk) = state.next_risk.take() {
                state.risks.insert(id.to_owned(), risk);
            }
        }
        self.complete(reply)
    }

    fn complete(&self, mut reply: Reply) -> Reply {
        if reply.status == 200 {
            self.complete_intent(&mut reply.body);
        }
        reply
    }

    /// Adds what localstripe leaves out of a payment.
    fn complete_intent(&self, intent: &mut Value) {
        let state = self.state();
        let id = intent["id"].as_str().unwrap_or_default().to_owned();
        let captured = intent["latest_charge"]["captured"] == true;
        intent["amount_received"] = if captured { intent["amount"].clone() } else { json!(0) };
        if let (true, Some(url)) = (intent["next_action"].is_object(), state.return_urls.get(&id)) {
            let url = format!("https://bank.example/check?back={url}");
            let redirect = json!({"type": "redirect_to_url", "redirect_to_url": {"url": url}});
            intent["next_action"] = redirect;
        }
        if let Some(error) = intent["last_payment_error"].as_object_mut() {
            error.insert("decline_code".to_owned(), json!("generic_decline"));
        }
        if let Some(charge) = intent["latest_charge"].as_object_mut() {
            charge.insert("disputed".to_owned(), json!(state.disputes.contains_key(&id)));
            let (level, score) = state.risks.get(&id).cloned().unwrap_or(("normal".to_owned(), 12));
            let outcome = json!({"risk_level": level, "risk_score": score});
            charge.insert("outcome".to_owned(), outcome);
        }
    }

    async fn forward(&self, call: &Call) -> Reply {
        self.send(call, call.method.as_str(), &call.path, call.body.clone()).await
    }

    async fn upstream(&self, call: &Call, method: &str, path: &str) -> Reply {
        self.send(call, method, path, Bytes::new()).await
    }

    async fn send(&self, call: &Call, method: &str, path: &str, body: Bytes) -> Reply {
        let authorization = call.headers.get("authorization").and_then(|value| value.to_str().ok());
        ask(self.upstream, method, path, authorization.unwrap_or_default(), body).await
    }
}

/// One call to localstripe.
pub async fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    authorization: &str,
    body: Bytes,
) -> Reply {
    let stream = TcpStream::connect(to).await.expect("localstripe listens");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localstripe")
        .header("authorization", authorization)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(body))
        .expect("a request");
    let answer = sender.send_request(request).await.expect("an answer of localstripe");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("its body").to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Reply { status, body }
}

/// Ends the connection without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

fn refused(status: u16, code: &str, payment: Option<&str>) -> Reply {
    let payment = payment.map(|id| json!({"id": id}));
    Reply {
        status,
        body: json!({"error": {"code": code, "message": code, "payment_intent": payment}}),
    }
}

fn response(status: u16, body: String, replayed: bool) -> Response<Full<Bytes>> {
    Response::builder()
        .status(StatusCode::from_u16(status).expect("a status"))
        .header("idempotent-replayed", replayed.to_string())
        .header("retry-after", "9")
        .body(Full::new(Bytes::from(body)))
        .expect("a response")
}

fn query(path: &str, wanted: &str) -> String {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
}
