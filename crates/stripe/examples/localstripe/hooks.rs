//! Hooks that localstripe signs and sends itself: late, twice, out of order, and changed on the way.

use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use scrip_domain::{Span, Timestamp};
use scrip_engine::processor::{Hook, HookRefusal, Processor, RefundAsk};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{WEBHOOK_SECRET, World, euros, is_captured};

/// A hook as it came.
struct Message {
    headers: HeaderMap,
    body: Bytes,
}

impl Message {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// When it was signed; localstripe's clock is the only one here.
    fn signed_at(&self) -> Timestamp {
        let signature = self.header("stripe-signature").expect("signed");
        let time = signature.split(',').find_map(|part| part.strip_prefix("t="));
        let seconds: i64 = time.and_then(|time| time.parse().ok()).expect("a time");
        Timestamp::from_millis(seconds * 1000)
    }
}

pub async fn told_and_asked(world: &World) -> &'static str {
    let stripe = &world.stripe;
    let mut messages = listen(world).await;
    let payment = world.captured().await;
    // It is read only now: by then the payment has been refunded, and the message is an old one.
    let name = "trf_hook".to_owned();
    let refund = RefundAsk { name, payment: payment.name.clone(), money: euros(1250) };
    stripe.refund(&refund).await.expect("a picture");
    let about = Ok(Hook::Payment(payment.name.clone()));
    let message = loop {
        // Those of the other cases come, too.
        let message = messages.recv().await.expect("localstripe sends one");
        if stripe.hook(&|name| message.header(name), &message.body, message.signed_at()) == about {
            break message;
        }
    };
    let (headers, now) = (|name: &str| message.header(name), message.signed_at());
    for _ in 0..2 {
        assert_eq!(stripe.hook(&headers, &message.body, now), about, "also when it comes twice");
        let picture = stripe.payment(&payment.name).await.expect("a picture");
        assert!(is_captured(&picture));
        assert_eq!(picture.refunded, euros(1250).amount, "the picture is of now, not of then");
    }
    let later = now.plus(Span::seconds(301));
    assert_eq!(stripe.hook(&headers, &message.body, later), Err(HookRefusal::Stale), "a replay");
    let mut forged = message.body.to_vec();
    let amount = forged.windows(4).position(|window| window == b"1250").expect("the amount");
    forged[amount] = b'9';
    assert_eq!(stripe.hook(&headers, &forged, now), Err(HookRefusal::Forged));
    assert_eq!(stripe.hook(&|_| None, &message.body, now), Err(HookRefusal::Unsigned));
    "hooks that localstripe signed: late, twice, replayed, forged"
}

/// Tells localstripe where to send what happens to payments.
async fn listen(world: &World) -> UnboundedReceiver<Message> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(accept(listener, Arc::new(sender)));
    let form =
        format!("url=http://{address}/&secret={WEBHOOK_SECRET}&events[]=payment_intent.succeeded");
    world.localstripe("POST", "/_config/webhooks/scrip", form).await;
    receiver
}

async fn accept(listener: TcpListener, sender: Arc<UnboundedSender<Message>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let sender = sender.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let sender = sender.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                // Nobody listens any more at the end of the program.
                let _ = sender.send(Message { headers: head.headers, body });
                Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::new())))
            }
        });
        let server = hyper::server::conn::http1::Builder::new();
        tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
    }
}
