//! Accounts and keys by the commands: made, listed without secrets, replaced, revoked, disabled, deleted; and their exit codes.

use super::operate::Gateway;
use crate::support::client::Call;

async fn status(gateway: &Gateway, key: &str) -> u16 {
    let reply = Call::get("/api/verifications")
        .key(key)
        .send(gateway.address)
        .await;
    reply.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_listed_replaced_and_revoked() {
    let gateway = Gateway::start_with("").await;
    let none = gateway.run(&["keys", "ls"]).await;
    assert!(none.out.contains("keys create --account"), "{}", none.out);
    let create = [
        "keys",
        "create",
        "--account",
        "acme",
        "--name",
        "ci",
        "--expires-in",
        "90d",
    ];
    let first = gateway.run(&create).await;
    assert_eq!(first.code, Some(0), "{}", first.err);
    let key = first.out.trim();
    assert_eq!(status(&gateway, key).await, 200);
    let list = gateway.run(&["keys", "ls", "--account", "acme"]).await;
    assert!(
        list.out.contains(&key[..20]) && list.out.contains("active") && list.out.contains("ci"),
        "{}",
        list.out
    );
    assert!(!list.out.contains(&key[21..]), "no secret is listed");
    let other = gateway.run(&["keys", "ls", "--account", "none", "--json"]).await;
    assert_eq!(other.out.trim(), r#"{"keys":[]}"#);

    let second = gateway
        .run(&["keys", "rotate", &key[..20], "--overlap", "1h"])
        .await;
    assert!(second.err.contains("works on for 3600 seconds"), "{}", second.err);
    let next = second.out.trim();
    assert_eq!(
        (status(&gateway, key).await, status(&gateway, next).await),
        (200, 200)
    );
    // A leaked key can be pasted whole: only its id is sent.
    let revoked = gateway.run(&["keys", "revoke", key]).await;
    assert_eq!(revoked.code, Some(0), "{}", revoked.err);
    assert_eq!(
        (status(&gateway, key).await, status(&gateway, next).await),
        (401, 200)
    );
    for (arguments, code) in [
        (["keys", "revoke", &key[..20]], 3),
        (["keys", "rotate", "nothing"], 3),
        (["keys", "revoke", "../accounts/acme"], 2),
    ] {
        assert_eq!(gateway.run(&arguments).await.code, Some(code), "{arguments:?}");
    }
    let wrong = gateway
        .run(&["keys", "create", "--account", "acme", "--expires-in", "soon"])
        .await;
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_stands_in_a_url_where_it_was_made_so() {
    let gateway = Gateway::start_with("").await;
    for (flags, answer) in [(&["--allow-query-key"][..], 200), (&[], 401)] {
        let create = ["keys", "create", "--account", "acme"];
        let made = gateway.run(&[&create, flags].concat()).await;
        let path = format!("/getNumbers?api_key={}", made.out.trim());
        let reply = Call::get(&path).send(gateway.address).await;
        assert_eq!(reply.status, answer, "{flags:?}: {}", reply.text());
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_made_disabled_and_deleted() {
    let gateway = Gateway::start_with("").await;
    let made = gateway
        .run(&["accounts", "create", "acme", "--name", "Acme GmbH"])
        .await;
    assert_eq!(made.code, Some(0), "{}", made.err);
    let key = gateway.run(&["keys", "create", "--account", "acme"]).await.out;
    let list = gateway.run(&["accounts", "ls"]).await;
    assert!(
        list.out.contains("active") && list.out.contains("Acme GmbH"),
        "{}",
        list.out
    );
    for (what, state, let_in) in [("disable", "disabled", 403), ("enable", "active", 200)] {
        let done = gateway.run(&["accounts", what, "acme"]).await;
        assert!(
            done.out.contains(&format!(r#""state":"{state}""#)),
            "{}",
            done.out
        );
        assert_eq!(status(&gateway, key.trim()).await, let_in);
    }
    let set = [
        "accounts",
        "set",
        "acme",
        "--rentals-max",
        "3",
        "--waiters-max",
        "default",
    ];
    let set = gateway.run(&set).await;
    assert!(set.out.contains(r#""rentalsMax":3"#), "{} {}", set.out, set.err);
    let again = gateway.run(&["accounts", "create", "acme"]).await;
    assert!(
        again.code == Some(5) && again.err.contains("there already"),
        "{}",
        again.err
    );
    let gone = gateway.run(&["accounts", "rm", "acme"]).await;
    assert_eq!(
        (gone.code, gone.out.trim()),
        (Some(0), "acme is deleted"),
        "{}",
        gone.err
    );
    assert_eq!(status(&gateway, key.trim()).await, 401);
    let show = gateway.run(&["accounts", "show", "acme"]).await;
    assert!(
        show.code == Some(3) && show.err.contains("there is no account acme"),
        "{}",
        show.err
    );
    assert_eq!(gateway.run(&["accounts", "show", "../keys"]).await.code, Some(2));
    gateway.stop().await;
}
