//! `scrip activate`: an activation request, carried here from a machine without network.

use base64ct::{Base64UrlUnpadded, Encoding};
use clap::Args;
use http::Method;
use serde_json::Value;

use super::one_thread;
use super::remote::{client, given_or_stdin, print, text};
use crate::failure::{Failure, Outcome};

/// Which request, and who answers it.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip activate eyJjb2RlIjoi... --server https://shop.example > lease.txt

The request is one line that the sold program writes; line breaks and blanks in it are no matter. The answer is the
signed lease, to be carried back. Exit code 0 when the machine is active, 1 when it is not, 2 when nobody could be
asked. With --json the whole answer of the server is printed.")]
pub struct ActivateArgs {
    /// The request; `-` reads it from standard input
    request: String,
    /// The vendor's server
    #[arg(long, value_name = "URL", env = "SCRIP_SERVER", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// The whole answer as JSON instead of the lease
    #[arg(long)]
    json: bool,
}

impl ActivateArgs {
    pub fn run(&self) -> Outcome<bool> {
        let request = self.request()?;
        let server = client(&self.server)?;
        let answer: Value = one_thread(async {
            let headers = [("content-type", "application/json")];
            let path = "/v1/licenses/activate";
            let answer = server.request(Method::POST, path, &headers, request).await;
            let answer = answer.and_then(|answer| answer.json());
            answer.map_err(|error| Failure::from(error).with_code(2))
        })?;
        let lease = text(&answer, "/lease");
        let is_active = answer.get("valid") == Some(&Value::Bool(true)) && !lease.is_empty();
        if self.json {
            print(&answer);
        } else if is_active {
            print(lease);
        } else {
            eprintln!("the machine is not activated: {}", text(&answer, "/code"));
        }
        Ok(is_active)
    }

    /// The body that the program wrote, as it is: what it may say grows with the programs.
    fn request(&self) -> Outcome<Vec<u8>> {
        let request = given_or_stdin(&self.request)?;
        let request: String = request.chars().filter(|c| !c.is_whitespace()).collect();
        let body = Base64UrlUnpadded::decode_vec(&request).ok();
        let is_body =
            |body: &Vec<u8>| serde_json::from_slice::<Value>(body).is_ok_and(|it| it.is_object());
        body.filter(is_body).ok_or_else(|| {
            Failure::usage("this is no activation request, or not all of it")
                .advise("Copy the whole line that the program wrote.")
        })
    }
}
