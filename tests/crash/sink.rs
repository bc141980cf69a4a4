//! A customer's server: it takes webhooks on a loopback port, keeps them, and now and then refuses one.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::dice::Dice;
use crate::schema;

#[derive(Default)]
struct Shared {
    /// By path and `webhook-id`: the bodies that came, as a set, and how often.
    arrived: BTreeMap<(String, String), (BTreeSet<Bytes>, usize)>,
    /// And in which life of the gateway it was accepted last.
    accepted: BTreeMap<(String, String), usize>,
    life: usize,
    /// What the delivery log has as delivered.
    recorded: BTreeSet<(String, String)>,
    /// What came again in the life that had its answer, or after it was recorded.
    twice: Vec<(String, String)>,
}

#[derive(Clone)]
pub struct Sink {
    shared: Arc<Mutex<Shared>>,
    pub address: SocketAddr,
}

/// The paths of the four subscriptions; the second refuses one call in eight.
pub const PATHS: [&str; 4] = ["/one", "/two", "/three", "/four"];

impl Sink {
    pub async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sink = Self {
            shared: Arc::default(),
            address,
        };
        let dice = Arc::new(Mutex::new(Dice::new(seed)));
        let serving = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sink, dice) = (serving.clone(), dice.clone());
                // A connection never outlives the process that made it.
                let life = sink.shared.lock().unwrap().life;
                let service = service_fn(move |request| sink.clone().take(request, dice.clone(), life));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                // A gateway that was killed leaves its connections half way.
                tokio::spawn(async move { drop(connection.await) });
            }
        });
        sink
    }

    async fn take(
        self,
        request: Request<Incoming>,
        dice: Arc<Mutex<Dice>>,
        life: usize,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path().to_owned();
        let id = request.headers()["webhook-id"].to_str().unwrap().to_owned();
        let mut answer = Response::new(Full::default());
        // A call that was cut off in its body did not come.
        let Ok(body) = request.into_body().collect().await else {
            return Ok(answer);
        };
        let refused = path == PATHS[1] && dice.lock().unwrap().one_in(8);
        let mut shared = self.shared.lock().unwrap();
        let place = shared.arrived.entry((path.clone(), id.clone())).or_default();
        place.0.insert(body.to_bytes());
        place.1 += 1;
        let call = (path.clone(), id.clone());
        if shared.accepted.get(&call) == Some(&life) || shared.recorded.contains(&call) {
            shared.twice.push(call);
        }
        if refused {
            *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        } else {
            shared.accepted.insert((path, id), life);
        }
        Ok(answer)
    }

    /// The gateway died, and all its connections with it.
    pub fn next_life(&self) {
        self.shared.lock().unwrap().life += 1;
    }

    /// The delivery log says that this was delivered.
    pub fn recorded(&self, path: &str, event: &str) {
        let recorded = &mut self.shared.lock().unwrap().recorded;
        recorded.insert((path.to_owned(), event.to_owned()));
    }

    /// Only a gateway that died between a call and its record makes the call again: within one life nothing that was accepted may
    /// come twice, and in no life what was recorded.
    pub fn check_repetitions(&self) {
        let shared = self.shared.lock().unwrap();
        assert!(
            shared.twice.is_empty(),
            "accepted, and sent again: {:?}",
            shared.twice
        );
    }

    /// How many deliveries were accepted.
    pub fn accepted(&self) -> usize {
        self.shared.lock().unwrap().accepted.len()
    }

    /// The event arrived on all paths and was accepted.
    pub fn has(&self, event: &str) -> bool {
        let shared = self.shared.lock().unwrap();
        PATHS.iter().all(|path| {
            shared
                .accepted
                .contains_key(&((*path).to_owned(), event.to_owned()))
        })
    }

    /// How many calls came beyond the first accepted one of each event; each event always had one and the same body.
    pub fn repetitions(&self) -> usize {
        let shared = self.shared.lock().unwrap();
        assert!(
            shared.arrived.values().all(|(bodies, _)| bodies.len() == 1),
            "one webhook-id, two bodies"
        );
        shared.arrived.values().map(|(_, calls)| calls - 1).sum()
    }

    /// The bodies of all events, once each.
    pub fn events(&self) -> BTreeMap<String, serde_json::Value> {
        let shared = self.shared.lock().unwrap();
        let body = |bodies: &BTreeSet<Bytes>| serde_json::from_slice(bodies.first().unwrap()).unwrap();
        shared
            .arrived
            .iter()
            .map(|((_, id), (bodies, _))| (id.clone(), body(bodies)))
            .inspect(|(id, event)| assert_eq!(schema::wrong(event), Vec::<String>::new(), "{id}"))
            .collect()
    }
}
