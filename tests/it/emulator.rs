//! `block-ip` against an emulator of AWS that nobody here wrote: `PORTCULLIS_EMULATOR_URL` says where it listens.
//!
//! ministack 1.5.33, which `.ci/run` starts, knows REST APIs, stages, web ACLs, rule groups, IP sets and CloudWatch. It
//! does not set `webAclArn` on a stage that a web ACL is associated with (the tests patch it in), samples no requests,
//! publishes no WAF metrics, and takes an `UpdateIPSet` with any lock token. So a proxy stands in front of it, for the
//! one test that needs the lock.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_apigateway::types::{Op, PatchOperation};
use aws_sdk_wafv2::types::{
    AllowAction, BlockAction, DefaultAction, IpAddressVersion, IpSetReferenceStatement, Rule, RuleAction, Scope,
    Statement, VisibilityConfig,
};
use serde_json::Value;

use super::program::{Program, phrase};

const NEEDS: &str = "PORTCULLIS_EMULATOR_URL is not set; .ci/run starts the emulator and sets it";

fn url() -> String {
    std::env::var("PORTCULLIS_EMULATOR_URL").expect(NEEDS)
}

/// What the samples would tell, which the emulator does not give.
const OVERRIDES: [&str; 8] = [
    "--override",
    "block-ip.suspicion",
    "--override",
    "block-ip.legitimate-share",
    "--override",
    "block-ip.proxy",
    "--reason",
    "an emulator has no samples",
];

/// A stage with a web ACL and two IP sets, made by the SDK's own clients, with no gate before them.
struct Account {
    waf: aws_sdk_wafv2::Client,
    stage: String,
    v4: (String, String),
    v6: (String, String),
    console: Program,
}

static MADE: AtomicU64 = AtomicU64::new(0);

impl Account {
    async fn new(behind: Option<&str>) -> Self {
        let name = format!("shop-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let credentials = aws_credential_types::Credentials::new("test", "test", None, None, "test");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(credentials)
            .endpoint_url(url())
            .load()
            .await;
        let gateway = aws_sdk_apigateway::Client::new(&config);
        let waf = aws_sdk_wafv2::Client::new(&config);
        let api = gateway.create_rest_api().name(&name).send().await.unwrap().id().unwrap().to_owned();
        let deployment = gateway.create_deployment().rest_api_id(&api).send().await.unwrap();
        let stage = gateway.create_stage().rest_api_id(&api).stage_name("prod");
        stage.deployment_id(deployment.id().unwrap()).send().await.unwrap();
        let v4 =
            ip_set(&waf, &format!("{name}-v4"), IpAddressVersion::Ipv4, &["192.0.2.66/32", "192.0.2.128/28"]).await;
        let v6 = ip_set(&waf, &format!("{name}-v6"), IpAddressVersion::Ipv6, &["2001:db8:dead::/48"]).await;
        let acl = waf
            .create_web_acl()
            .name(&name)
            .scope(Scope::Regional)
            .default_action(DefaultAction::builder().allow(AllowAction::builder().build()).build())
            .visibility_config(visible(&name))
            .rules(blocking("listed", 0, &v4.2))
            .rules(blocking("listed-v6", 1, &v6.2))
            .send()
            .await
            .unwrap();
        let acl = acl.summary().unwrap().arn().unwrap().to_owned();
        if behind.is_some() {
            let arn = format!("arn:aws:apigateway:eu-central-1::/restapis/{api}/stages/prod");
            waf.associate_web_acl().web_acl_arn(&acl).resource_arn(arn).send().await.unwrap();
            let patch = PatchOperation::builder().op(Op::Replace).path("/webAclArn").value(&acl).build();
            gateway.update_stage().rest_api_id(&api).stage_name("prod").patch_operations(patch).send().await.unwrap();
        }
        let mut console = Program::new(behind.unwrap_or(&url()));
        console.set("AWS_ACCESS_KEY_ID", "test");
        console.set("AWS_SECRET_ACCESS_KEY", "test");
        Self { waf, stage: format!("{name}/prod"), v4: (v4.0, v4.1), v6: (v6.0, v6.1), console }
    }

    /// Entries, sorted.
    async fn entries(&self, set: &(String, String)) -> Vec<String> {
        entries(&self.waf, set).await
    }

    /// The words of a command about this stage and `targets`, overrides included.
    fn block<'a>(&'a self, command: &'a str, targets: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        let mut words = vec![command, "block-ip", "--stage", &self.stage];
        words.extend(targets);
        words.extend(OVERRIDES);
        words.extend(more);
        words
    }

    fn planned(&self, targets: &[&str]) -> String {
        let plan = self.console.json(2, "plan", &self.block("plan", targets, &[]));
        plan["plan"]["confirm"].as_str().unwrap().to_owned()
    }

    fn applied(&self, targets: &[&str]) -> String {
        let phrase = self.planned(targets);
        let done = self.console.json(0, "action", &self.block("apply", targets, &["--confirm", &phrase]));
        assert_eq!(done["action"]["outcome"], "done");
        done["action"]["id"].as_str().unwrap().to_owned()
    }

    fn undone(&self, id: &str) {
        let asked = self.console.run(&["undo", id]).exits(5);
        let phrase = phrase(&asked.out, &self.stage).unwrap();
        self.console.run(&["undo", id, "--confirm", &phrase]).exits(0);
    }
}

async fn entries(waf: &aws_sdk_wafv2::Client, (name, id): &(String, String)) -> Vec<String> {
    let read = waf.get_ip_set().name(name).id(id).scope(Scope::Regional).send().await.unwrap();
    let mut entries = read.ip_set().unwrap().addresses().to_vec();
    entries.sort();
    entries
}

/// What another writer does.
async fn add(waf: &aws_sdk_wafv2::Client, (name, id): &(String, String), entry: &str) {
    let read = waf.get_ip_set().name(name).id(id).scope(Scope::Regional).send().await.unwrap();
    let update = waf.update_ip_set().name(name).id(id).scope(Scope::Regional).lock_token(read.lock_token().unwrap());
    let entries = read.ip_set().unwrap().addresses().to_vec();
    update.set_addresses(Some(entries)).addresses(entry).send().await.unwrap();
}

async fn ip_set(
    waf: &aws_sdk_wafv2::Client,
    name: &str,
    version: IpAddressVersion,
    entries: &[&str],
) -> (String, String, String) {
    let create = waf.create_ip_set().name(name).scope(Scope::Regional).ip_address_version(version);
    let addresses = entries.iter().map(|e| (*e).to_owned()).collect();
    let made = create.set_addresses(Some(addresses)).description("the team's list").send().await.unwrap();
    let made = made.summary().unwrap();
    (name.to_owned(), made.id().unwrap().to_owned(), made.arn().unwrap().to_owned())
}

fn blocking(name: &str, priority: i32, set: &str) -> Rule {
    let reference = IpSetReferenceStatement::builder().arn(set).build().unwrap();
    Rule::builder()
        .name(name)
        .priority(priority)
        .action(RuleAction::builder().block(BlockAction::builder().build()).build())
        .statement(Statement::builder().ip_set_reference_statement(reference).build())
        .visibility_config(visible(name))
        .build()
        .unwrap()
}

fn visible(name: &str) -> VisibilityConfig {
    let config = VisibilityConfig::builder().metric_name(name);
    config.sampled_requests_enabled(true).cloud_watch_metrics_enabled(true).build().unwrap()
}

fn verdict<'a>(plan: &'a Value, guard: &str) -> &'a str {
    let guards = plan["plan"]["guards"].as_array().unwrap();
    let found = guards.iter().find(|g| g["id"] == guard).unwrap_or_else(|| panic!("no {guard} in {guards:#?}"));
    found["verdict"].as_str().unwrap()
}

const TARGETS: [&str; 2] = ["203.0.113.7/32", "2001:db8:bad::5/128"];

#[tokio::test]
#[ignore = "needs an emulator: PORTCULLIS_EMULATOR_URL"]
async fn what_it_cannot_tell_is_unknown_and_stops() {
    let account = Account::new(Some(&url())).await;
    let words = ["plan", "block-ip", "--stage", &account.stage, "203.0.113.7"];
    let plan = account.console.json(3, "plan", &words);
    for guard in ["block-ip.suspicion", "block-ip.legitimate-share", "block-ip.proxy"] {
        assert_eq!(verdict(&plan, guard), "unknown", "{guard}");
    }
    assert_eq!(verdict(&plan, "block-ip.effective"), "pass");
    assert_eq!(verdict(&plan, "block-ip.never-block"), "pass");
    let plan = account.console.json(3, "plan", &["plan", "block-ip", "--stage", &account.stage, "0.0.0.0/0"]);
    assert_eq!(verdict(&plan, "block-ip.zero-prefix"), "stop");
    let board = account.console.json(0, "snapshot", &["snapshot"]);
    let rows = board["stages"].as_array().unwrap();
    let row = rows.iter().find(|row| row["stage"] == account.stage).unwrap();
    // No series is no figure, and no figure is not zero.
    assert_eq!(row["requests_per_second"], Value::Null);
    assert!(row["unknown"]["requests_per_second"].is_string(), "{row}");
}

#[tokio::test]
#[ignore = "needs an emulator: PORTCULLIS_EMULATOR_URL"]
async fn apply_adds_and_undo_restores() {
    let account = Account::new(Some(&url())).await;
    let before = (account.entries(&account.v4).await, account.entries(&account.v6).await);
    let id = account.applied(&TARGETS);
    assert!(account.entries(&account.v4).await.contains(&TARGETS[0].to_owned()));
    assert!(account.entries(&account.v6).await.contains(&TARGETS[1].to_owned()));
    // A second time there is nothing to change.
    account.console.run(&account.block("plan", &TARGETS, &[])).exits(0);
    account.undone(&id);
    assert_eq!((account.entries(&account.v4).await, account.entries(&account.v6).await), before);
}

#[tokio::test]
#[ignore = "needs an emulator: PORTCULLIS_EMULATOR_URL"]
async fn others_entries_stay_whenever_they_come() {
    let account = Account::new(Some(&url())).await;
    let before = account.entries(&account.v4).await;
    let phrase = account.planned(&TARGETS);
    add(&account.waf, &account.v4, "198.51.100.1/32").await;
    assert_eq!(account.planned(&TARGETS), phrase, "an unrelated entry makes no plan stale");
    let id = account.applied(&TARGETS);
    add(&account.waf, &account.v4, "198.51.100.2/32").await;
    account.undone(&id);
    let mut want = [before, vec!["198.51.100.1/32".to_owned(), "198.51.100.2/32".to_owned()]].concat();
    want.sort();
    assert_eq!(account.entries(&account.v4).await, want);
}

#[tokio::test]
#[ignore = "needs an emulator: PORTCULLIS_EMULATOR_URL"]
async fn a_stage_without_a_web_acl_is_stopped_with_the_way_out() {
    let account = Account::new(None).await;
    let ended = account.console.run(&["plan", "block-ip", "--stage", &account.stage, "203.0.113.7"]).exits(3);
    assert!(ended.out.contains("block-ip.web-acl") && ended.out.contains("associate-web-acl"), "{}", ended.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an emulator: PORTCULLIS_EMULATOR_URL"]
async fn a_stale_lock_is_merged_and_nothing_is_lost() {
    let proxy = StaleOnce::start();
    let account = Account::new(Some(&proxy)).await;
    let before = account.entries(&account.v4).await;
    let (waf, set) = (account.waf.clone(), account.v4.clone());
    let handle = tokio::runtime::Handle::current();
    StaleOnce::before_the_first_update(move || handle.block_on(add(&waf, &set, "198.51.100.9/32")));
    account.applied(&TARGETS[..1]);
    let mut want = [before, vec!["198.51.100.9/32".to_owned(), TARGETS[0].to_owned()]].concat();
    want.sort();
    assert_eq!(account.entries(&account.v4).await, want);
    let story = account.console.run(&["timeline", "export"]).exits(0).out;
    assert!(story.contains("somebody else wrote"), "{story}");
}

/// Stands before the emulator and refuses the first `UpdateIPSet` as WAF does when somebody wrote in between, after
/// somebody has.
struct StaleOnce;

type Writer = Box<dyn FnOnce() + Send>;
static WRITER: Mutex<Option<Writer>> = Mutex::new(None);

impl StaleOnce {
    fn before_the_first_update(writer: impl FnOnce() + Send + 'static) {
        *WRITER.lock().unwrap() = Some(Box::new(writer));
    }

    fn start() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                std::thread::spawn(move || Self::pass(client));
            }
        });
        format!("http://{at}")
    }

    /// One request a connection: enough for a client that opens another.
    fn pass(client: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(client.try_clone().ok()?);
        let (mut head, mut length, mut is_update) = (String::new(), 0, false);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            if line == "\r\n" {
                break;
            }
            let lower = line.to_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            is_update |= lower.contains("awswaf_20190729.updateipset");
            if !lower.starts_with("connection:") {
                head.push_str(&line);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut client = client;
        let writer = if is_update { WRITER.lock().unwrap().take() } else { None };
        if let Some(write) = writer {
            write();
            let body = r#"{"__type":"WAFOptimisticLockException","message":"someone changed the resource"}"#;
            let length = body.len();
            return write!(
                client,
                "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
            .ok();
        }
        let url = url();
        let mut server = TcpStream::connect(url.strip_prefix("http://")?.trim_end_matches('/')).ok()?;
        write!(server, "{head}connection: close\r\n\r\n").ok()?;
        server.write_all(&body).ok()?;
        std::io::copy(&mut server, &mut client).ok().map(|_| ())
    }
}
