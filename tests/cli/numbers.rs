//! The inventory from the command line: files come in, numbers are looked at, taken out of use and let in again.

use serde_json::{Value, json};

use super::dev::address;
use super::operate::Gateway;
use super::process::Ended;
use crate::support::client::Call;

async fn import(gateway: &Gateway, name: &str, text: &str, flags: &[&str]) -> Ended {
    let file = gateway.home.write(name, text);
    gateway
        .run(&[&["numbers", "import", &file], flags].concat())
        .await
}

async fn count(gateway: &Gateway) -> Value {
    let call = Call::get("/status.json");
    call.send(address(&gateway.admin)).await.expect(200)["gauges"]["ringback_numbers"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_come_in_as_csv_and_as_json() {
    let gateway = Gateway::start().await;
    let csv = "\u{feff}number,country,price\r\n+12025550143,US,0.7500\r\n\r\n \"+12025550144\" , US ,\r\n";
    let imported = import(&gateway, "a.csv", csv, &[]).await;
    assert_eq!(
        (imported.code, imported.out.as_str()),
        (Some(0), "2 numbers added, 0 were there already\n"),
        "{}",
        imported.err
    );
    assert_eq!(imported.err, "", "no bar where nobody looks");
    let turned = "country,number,capability\nUS,+12025550143,\nUS,+12025550145,SmsAndVoice\n";
    let imported = import(&gateway, "b.csv", turned, &[]).await;
    assert_eq!(
        imported.out, "1 numbers added, 1 were there already\n",
        "{}",
        imported.err
    );
    let json = json!([{ "number": "+12025550146", "country": "US", "price": "1" }, { "number": "+12025550143", "country": "US" }]);
    let imported = import(&gateway, "c.json", &json.to_string(), &[]).await;
    assert_eq!(
        imported.out, "1 numbers added, 1 were there already\n",
        "{}",
        imported.err
    );
    assert_eq!(count(&gateway).await, 4.0);
    let shown = gateway.run(&["numbers", "show", "+12025550145"]).await;
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(
        (&shown["capability"], &shown["state"]),
        (&json!("SmsAndVoice"), &json!("free"))
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_import_draws_a_bar_where_somebody_looks() {
    let gateway = Gateway::start().await;
    let lines = (0..2500).map(|n| format!("+1202{n:07},US\n"));
    let csv = format!("number,country\n{}", lines.collect::<String>());
    let file = gateway.home.write("many.csv", &csv);
    let imported = gateway.run_seen(&["numbers", "import", &file]).await;
    assert_eq!(imported.out, "2500 numbers added, 0 were there already\n");
    let bar = |filled: usize, sent: usize| {
        let (done, left) = ("#".repeat(filled), " ".repeat(40 - filled));
        format!("\r[{done}{left}] {sent}/2500")
    };
    // A terminal returns the carriage before each new line.
    let drawn = [bar(16, 1000), bar(32, 2000), bar(40, 2500), "\r\n".into()];
    assert_eq!(imported.err, drawn.concat());
    gateway.stop().await;
}

const BAD: &str = "number,country,price\n+12025550143,US,\n\n12,US,\n+12025550144,us,\n+12025550145,US,free\n+12025550146,US,1\n,US,\n+12025550143,US,\n+12025550147,US,1,2\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_lines_are_told_by_their_place_and_nothing_goes_in() {
    let gateway = Gateway::start().await;
    let refused = import(&gateway, "a.csv", BAD, &[]).await;
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    let told: Vec<&str> = refused.err.lines().skip(1).collect();
    let expected = [
        "line 4: not a phone number: write it as + and 8 to 15 digits, for example +12025550143",
        "line 5: country is two capital letters (ISO 3166-1), for example US",
        "line 6: not a price: write it with up to four decimals, for example \"0.5000\"",
        "line 8: missing field `number`: number and country are needed on each line",
        "line 9: the number stands on line 2 already: leave one of them out",
        "line 10: 4 fields, and 3 columns: take commas out of the fields",
    ];
    assert_eq!(told, expected);
    assert!(
        refused.err.contains("a.csv") && refused.err.contains("--skip-bad"),
        "{}",
        refused.err
    );
    let json = "[\n  {\"number\": \"+12025550143\", \"country\": \"US\"},\n  {\n    \"number\": \"+12025550144\"\n  },\n  {\"number\": 5, \"country\": \"US\"},\n  {\"number\": \"+12025550145\", \"country\": \"US\", \"cost\": \"1\"}\n]\n";
    let refused = import(&gateway, "b.json", json, &[]).await;
    for line in [
        "line 3: missing field `country`",
        "line 6: ",
        "line 7: unknown field `cost`",
    ] {
        assert!(refused.err.contains(line), "{line}: {}", refused.err);
    }
    assert!(!refused.err.contains("line 2:"), "{}", refused.err);
    assert_eq!(count(&gateway).await, 0.0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_lines_go_in_beside_bad_ones_when_asked_to() {
    let gateway = Gateway::start().await;
    let imported = import(&gateway, "a.csv", BAD, &["--skip-bad"]).await;
    assert_eq!(imported.code, Some(0));
    assert_eq!(
        imported.out,
        "2 numbers added, 0 were there already, 6 lines were wrong and left out\n"
    );
    assert!(imported.err.contains("line 8: missing field"), "{}", imported.err);
    assert_eq!(count(&gateway).await, 2.0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_read_says_why() {
    let gateway = Gateway::start().await;
    let wrong = [
        ("empty.csv", "", "the file is empty"),
        ("headless.csv", "+12025550143,US\n", "number,country,price"),
        ("more.csv", "number,country,cost\n", "number,country,price"),
        ("broken.json", "[{", "broken.json"),
        ("object.json", "{}", "a JSON list of objects"),
    ];
    for (name, text, says) in wrong {
        let refused = import(&gateway, name, text, &["--skip-bad"]).await;
        assert_eq!(refused.code, Some(2), "{name}");
        assert!(refused.err.contains(says), "{name}: {}", refused.err);
    }
    let missing = gateway.run(&["numbers", "import", "/nowhere.csv"]).await;
    assert!(
        missing.code == Some(2) && missing.err.contains("/nowhere.csv"),
        "{}",
        missing.err
    );
    assert_eq!(count(&gateway).await, 0.0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_listed_taken_out_and_let_in_again() {
    let gateway = Gateway::start().await;
    let lines: String = (0..230).map(|n| format!("+1202555{n:04},US\n")).collect();
    import(&gateway, "a.csv", &format!("number,country\n{lines}"), &[]).await;
    let out = gateway.run(&["numbers", "quarantine", "+12025550007"]).await;
    assert_eq!(
        out.out, "+12025550007  US  quarantined  by operator\n",
        "{}",
        out.err
    );
    let carrier = gateway
        .run(&[
            "numbers",
            "quarantine",
            "12025550008",
            "--reason",
            "carrier-error",
        ])
        .await;
    assert!(
        carrier
            .out
            .starts_with("+12025550008  US  quarantined  by carrier_error  until 20"),
        "{}",
        carrier.out
    );
    gateway.run(&["numbers", "retire", "+12025550009"]).await;
    let all = gateway.run(&["numbers", "ls", "--limit", "1000"]).await;
    assert_eq!((all.out.lines().count(), all.err.as_str()), (230, ""));
    let some = gateway.run(&["numbers", "ls", "--limit", "150"]).await;
    assert!(some.out.lines().count() == 150 && some.err.contains("there are more"));
    let gone = gateway
        .run(&["numbers", "ls", "--state", "retired", "--json"])
        .await;
    let gone: Value = serde_json::from_str(&gone.out).unwrap();
    assert_eq!(gone["number"], "+12025550009");
    for number in ["+12025550007", "+12025550009"] {
        let back = gateway.run(&["numbers", "release", number]).await;
        assert_eq!(back.out, format!("{number}  US  free\n"));
    }
    let unknown = gateway.run(&["numbers", "show", "+12025559999"]).await;
    assert!(
        unknown.code == Some(3) && unknown.err.contains("numbers ls"),
        "{}",
        unknown.err
    );
    let wrong = gateway.run(&["numbers", "ls", "--state", "lost"]).await;
    assert!(
        wrong.code == Some(5) && wrong.err.contains("quarantined"),
        "{}",
        wrong.err
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_numbers_come_in_are_shown_and_switched() {
    let gateway = Gateway::start().await;
    let csv = "number,country,shared\n+12025550143,US,true\n+12025550144,US,false\n+12025550145,US,\n";
    let imported = import(&gateway, "a.csv", csv, &[]).await;
    assert_eq!(imported.code, Some(0), "{}", imported.err);
    let listed = gateway.run(&["numbers", "ls"]).await.out;
    let expected = "+12025550143  US  free  shared\n+12025550144  US  free\n+12025550145  US  free\n";
    assert_eq!(listed, expected);
    let on = gateway.run(&["numbers", "share", "+12025550144"]).await;
    assert_eq!(on.out, "+12025550144  US  free  shared\n", "{}", on.err);
    let off = gateway.run(&["numbers", "share", "+12025550144", "--off"]).await;
    assert_eq!(off.out, "+12025550144  US  free\n", "{}", off.err);
    let wrong = import(
        &gateway,
        "b.csv",
        "number,country,shared\n+12025550146,US,yes\n",
        &[],
    )
    .await;
    assert!(
        wrong.err.contains("line 2: ") && wrong.err.contains("shared is true or false"),
        "{}",
        wrong.err
    );
    gateway.stop().await;
}
