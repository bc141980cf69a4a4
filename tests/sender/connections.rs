//! Which connection a call goes over.

use std::sync::Arc;
use std::time::Duration;

use ringback::dispatch::client::{Client, Options};
use ringback::dispatch::sender::{Failure, Sender};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use crate::sink::{Sink, read_request};
use crate::{HOME, OK, answer, answering, call, client, developing, failure};

#[tokio::test]
async fn many_calls_share_one_connection() {
    let sink = answering(HOME, OK).await;
    let client = client(developing());
    for n in 0..50 {
        let attempted = client.send(call(sink.address)).await;
        assert_eq!(attempted.reused, n > 0);
        assert_eq!(answer(attempted).status, 200);
    }
    assert_eq!(sink.accepted(), 1);
}

#[tokio::test]
async fn chunked_and_empty_replies_leave_the_connection_fit_for_the_next_call() {
    let replies = [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ];
    for reply in replies {
        let sink = answering(HOME, reply).await;
        let client = client(developing());
        let first = answer(client.send(call(sink.address)).await);
        assert_eq!((first.status / 100, first.truncated), (2, false));
        assert!(client.send(call(sink.address)).await.reused, "{reply}");
    }
}

#[tokio::test]
async fn calls_at_the_same_time_use_several_connections_and_keep_them() {
    let sink = answering(HOME, OK).await;
    let client = client(developing());
    for _ in 0..2 {
        let calls = [(); 3].map(|()| client.send(call(sink.address)));
        let [a, b, c] = calls;
        for attempted in <[_; 3]>::from(tokio::join!(a, b, c)) {
            assert_eq!(answer(attempted).status, 200);
        }
    }
    assert_eq!(sink.accepted(), 3);
}

#[tokio::test]
async fn a_kept_connection_closed_by_its_server_costs_nothing() {
    let hang_up = Arc::new(Notify::new());
    let told = hang_up.clone();
    let sink = Sink::start(HOME, move |_, mut stream| {
        let told = told.clone();
        async move {
            read_request(&mut stream).await;
            stream.write_all(OK.as_bytes()).await.ok();
            told.notified().await;
        }
    })
    .await;
    let other = answering(HOME, OK).await;
    let client = client(developing());
    for n in 1..=5 {
        let attempted = client.send(call(sink.address)).await;
        assert!(!attempted.reused);
        assert_eq!(answer(attempted).status, 200);
        hang_up.notify_one();
        sink.finished(n).await;
        // A whole exchange with somebody else: by its end the runtime has heard of the hang-up.
        assert_eq!(answer(client.send(call(other.address)).await).status, 200);
    }
    assert_eq!((sink.accepted(), sink.requests().len()), (5, 5));
}

#[tokio::test]
async fn a_request_that_was_written_is_not_repeated() {
    let sink = Sink::start(HOME, |_, mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(OK.as_bytes()).await.ok();
        read_request(&mut stream).await;
    })
    .await;
    let client = client(developing());
    assert_eq!(answer(client.send(call(sink.address)).await).status, 200);
    let second = client.send(call(sink.address)).await;
    assert!(second.reused);
    assert_eq!(failure(second), Failure::Reset);
    assert_eq!((sink.accepted(), sink.requests().len()), (1, 2));
}

#[tokio::test]
async fn a_call_over_a_kept_connection_is_a_small_future() {
    let client = client(developing());
    let bytes = size_of_val(&client.send(call(([127, 0, 0, 1], 9).into())));
    assert!(bytes <= 2048, "{bytes}");
}

#[tokio::test]
async fn an_idle_or_aged_connection_is_not_used_again() {
    let sink = answering(HOME, OK).await;
    let client = Client::new(Options {
        idle_ms_max: 60_000,
        age_ms_max: 110_000,
        ..Options::new(developing())
    })
    .unwrap();
    tokio::time::pause();
    for (wait_s, reused) in [
        (0, false),
        (40, true),
        (40, true),
        (40, false),
        (80, false),
        (0, true),
    ] {
        tokio::time::advance(Duration::from_secs(wait_s)).await;
        tokio::time::resume();
        assert_eq!(client.send(call(sink.address)).await.reused, reused);
        tokio::time::pause();
    }
}

#[tokio::test]
async fn no_more_connections_are_kept_than_allowed() {
    let sinks = [answering(HOME, OK).await, answering(HOME, OK).await];
    let options = Options {
        idle_per_origin_max: 2,
        idle_total_max: 3,
        ..Options::new(developing())
    };
    let client = Client::new(options).unwrap();
    for (sink, kept) in sinks.iter().zip([2, 1]) {
        let calls = [(); 4].map(|()| client.send(call(sink.address)));
        let [a, b, c, d] = calls;
        tokio::join!(a, b, c, d);
        sink.finished(4 - kept).await;
        let calls = [(); 4].map(|()| client.send(call(sink.address)));
        let [a, b, c, d] = calls;
        let again = <[_; 4]>::from(tokio::join!(a, b, c, d));
        assert_eq!(again.iter().filter(|attempted| attempted.reused).count(), kept);
    }
}
