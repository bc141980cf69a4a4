//! `verify blocks`, `unblock` and `figures` against a running `serve`.

use super::process::Home;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_printed_and_what_is_open_cannot_be_opened() {
    let home = Home::new();
    let config = home.write("ringback.toml", "");
    let (serving, fields) = home.serve(&["--config", &config]).await;
    let admin = format!("http://{}", fields["admin"].as_str().unwrap());
    let data = home.path().join("data").display().to_string();
    let at = ["--config", &config, "--admin-url", &admin, "--data", &data];
    let run = async |words: &[&str]| home.run(&[&["verify"], words, &at[..]].concat()).await;
    let heads = |out: &str| out.split_whitespace().collect::<Vec<_>>().join(" ");
    let blocks = run(&["blocks"]).await;
    assert_eq!(
        (blocks.code, heads(&blocks.out).as_str()),
        (Some(0), "account channel country prefix reason times until"),
        "{}",
        blocks.err
    );
    let figures = run(&[
        "figures",
        "--account",
        "acme",
        "--by",
        "country,channel",
        "--since",
        "2h",
    ])
    .await;
    assert_eq!(
        (figures.code, heads(&figures.out).as_str()),
        (
            Some(0),
            "country channel sent delivered approved failed conversion cost"
        ),
        "{}",
        figures.err
    );
    let open = run(&["unblock", "--account", "acme", "--country", "US"]).await;
    assert!(
        open.code == Some(3) && open.err.contains("nothing is closed there"),
        "{}",
        open.err
    );
    let nothing = run(&["unblock", "--account", "acme"]).await;
    assert_eq!(nothing.code, Some(2));
    serving.terminate().await;
    serving.end().await;
}
