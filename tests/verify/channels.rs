//! Contract 002 by each of its four channels, as the carriers get it: the code that stands there is the code that is checked.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use toml::Table;

use super::codes::{carried, check, id, other_than, post, status, taken};
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Provider};

const TO: &str = "+14155550123";

/// Takes letters in the clear, for a provider without a password, and tells them.
async fn mail_server() -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, letters) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(letter(stream, tell.clone()));
        }
    });
    (port, letters)
}

async fn letter(stream: TcpStream, tell: mpsc::UnboundedSender<String>) -> std::io::Result<()> {
    let mut stream = BufStream::new(stream);
    let (mut line, mut answer) = (String::new(), "220 mail.example ESMTP");
    loop {
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        stream.flush().await?;
        if answer.starts_with("354") {
            let mut text = String::new();
            while !text.ends_with("\r\n.\r\n") && stream.read_line(&mut text).await? > 0 {}
            // Whoever listened may be gone.
            let _ = tell.send(text);
            answer = "250 queued";
            continue;
        }
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        answer = if line.starts_with("DATA") {
            "354 go on"
        } else {
            "250 fine"
        };
    }
}

fn table(url: &str, more: Table) -> toml::Value {
    let mut table = toml::toml! { timeout_ms = 400 allow_http = true };
    table.insert("base_url".into(), url.into());
    table.extend(more);
    toml::Value::Table(table)
}

/// One provider for each channel but SMS, which is the scripted Twilio's.
fn all(sms: &str, calls: &str, whatsapp: &str, mail: u16) -> Table {
    let mut over = carried(sms, "");
    let providers = over["provider"].as_array_mut().unwrap();
    providers.push(table(
        calls,
        toml::toml! { name = "calls" kind = "twilio_voice" account_sid = "AC1" auth_token = "tok" from = "+12025550143" },
    ));
    providers.push(table(
        whatsapp,
        toml::toml! { name = "whatsapp" kind = "meta_whatsapp" access_token = "tok" phone_number_id = "1066" template = "code" languages = ["en_US", "de"] },
    ));
    let mut letters = toml::toml! { name = "mail" kind = "smtp" host = "localhost" tls = "none" from = "Acme <codes@acme.example>" };
    letters.insert("port".into(), i64::from(mail).into());
    providers.push(toml::Value::Table(letters));
    over
}

fn code_in(text: &str) -> String {
    let runs = text.split(|c: char| !c.is_ascii_digit());
    let mut codes = runs.filter(|run| run.len() == 7);
    codes
        .next()
        .unwrap_or_else(|| panic!("no code: {text}"))
        .to_owned()
}

fn body_of(provider: &Provider, field: &str) -> String {
    let body = provider.got().pop().unwrap().body;
    let mut fields = form_urlencoded::parse(body.as_bytes()).into_owned();
    fields.find(|(name, _)| name == field).unwrap().1
}

/// Who carries what, and the code that each was told.
struct House {
    sms: Provider,
    calls: Provider,
    whatsapp: Provider,
    letters: mpsc::UnboundedReceiver<String>,
}

impl House {
    async fn start() -> (Gateway, Self) {
        let whatsapp = json!({ "messages": [{ "id": "wamid.1" }] }).to_string();
        let (port, letters) = mail_server().await;
        let house = Self {
            sms: Provider::start([taken("SM1")]).await,
            calls: Provider::start([taken("CA1")]).await,
            whatsapp: Provider::start([Act::Answer(200, "", whatsapp)]).await,
            letters,
        };
        let over = all(&house.sms.url, &house.calls.url, &house.whatsapp.url, port);
        (Gateway::start_with(over).await, house)
    }

    async fn told(&mut self, channel: &str) -> String {
        match channel {
            "sms" => {
                let text = body_of(&self.sms, "Body");
                let code = code_in(&text);
                assert_eq!(text, format!("MyApp: {code} ist Ihr Bestätigungscode."));
                code
            }
            // Digit by digit, so that nobody hears a number.
            "voice" => {
                let said = body_of(&self.calls, "Twiml");
                assert!(said.contains("de-DE"), "{said}");
                let said = said.split("</Say>").next().unwrap();
                let said = said.split('>').next_back().unwrap();
                let digits: String = said.chars().filter(char::is_ascii_digit).collect();
                digits[..7].to_owned()
            }
            "whatsapp" => {
                let sent: Value = serde_json::from_str(&self.whatsapp.got()[0].body).unwrap();
                assert_eq!(sent["template"]["language"]["code"], "de");
                let shown = &sent["template"]["components"][0]["parameters"][0]["text"];
                shown.as_str().unwrap().to_owned()
            }
            _ => {
                let letter = self.letters.recv().await.unwrap();
                let (head, text) = letter.split_once("\r\n\r\n").unwrap();
                assert!(head.contains("ann@example.com"), "{head}");
                let text: String = text.trim_end_matches("\r\n.\r\n").split_whitespace().collect();
                code_in(&String::from_utf8(BASE64_STANDARD.decode(text).unwrap()).unwrap())
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_goes_by_each_of_the_four_channels_and_comes_back() {
    let (gateway, mut house) = House::start().await;
    for (channel, to) in [
        ("sms", TO),
        ("voice", "+14155550124"),
        ("whatsapp", "+14155550125"),
        ("email", "ann@example.com"),
    ] {
        let wish =
            json!({ "to": to, "channel": channel, "code_length": 7, "locale": "de", "app_name": "MyApp" });
        let begun = post(&gateway, "/v1/verify/start", &wish).await.expect(200);
        let data = &begun["data"];
        assert_eq!(
            (&data["channel"], &data["to"], &data["status"]),
            (&json!(channel), &json!(to), &json!("pending"))
        );
        let (id, code) = (id(&begun), house.told(channel).await);
        assert_eq!(code.len(), 7, "{channel}");
        check(&gateway, &id, &other_than(&code)).await.expect(400);
        check(&gateway, &id, &code).await.expect(200);
        assert_eq!(status(&gateway, &id).await["status"], "approved", "{channel}");
    }
}

/// How the page spells the placeholder is not known, so both ways are read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_of_the_callers_own_has_either_placeholder() {
    let sms = Provider::start([taken("SM1"), taken("SM2")]).await;
    let gateway = Gateway::start_with(carried(&sms.url, "")).await;
    for (to, text) in [
        (TO, "Use {{code}} now, Ann"),
        ("+14155550124", "Use {code} now, Ann"),
    ] {
        let wish = json!({ "to": to, "channel": "sms", "custom_message": text, "code_length": 7 });
        let begun = post(&gateway, "/v1/verify/start", &wish).await.expect(200);
        let said = body_of(&sms, "Body");
        let code = code_in(&said);
        assert_eq!(said, format!("Use {code} now, Ann"));
        check(&gateway, &id(&begun), &code).await.expect(200);
    }
}
