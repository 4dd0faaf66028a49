//! Names and addresses that lead where nothing may be fetched (clause ID-NET-01). No address but
//! loopback is ever connected to.

use std::net::IpAddr;

use atpass_fetch::{FetchConfig, Fetcher, Stage};
use atpass_testnet::Internet;
use axum::Router;
use axum::routing::get;
use url::Url;

use super::scene::DEADLINE;

/// One host that answers, and names that a test adds.
async fn internet() -> Internet {
    let page = Router::new().route("/", get(|| async { "here" }));
    Internet::start([("good.example.com", page)]).await.unwrap()
}

fn fetcher(internet: &Internet, allow_loopback: bool) -> Fetcher {
    let config = FetchConfig {
        allow_loopback,
        total_timeout: DEADLINE,
        ..internet.fetch_config()
    };
    Fetcher::new(config).unwrap()
}

async fn ask(fetcher: &Fetcher, url: &str) -> Result<String, Stage> {
    let url = Url::parse(url).map_err(|_| Stage::Url("not a URL"))?;
    fetcher.get_text(&url).await.map_err(|error| error.stage)
}

/// Every notation of an address that isn't public, in the URL itself.
#[tokio::test]
async fn addresses_in_urls() {
    let internet = internet().await;
    let strict = fetcher(&internet, false);
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "127。0。0。1",
        "①②⑦.⓪.⓪.①",
        "%31%32%37.0.0.1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "0.0.0.0",
        "0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::127.0.0.1]",
        "[100::1]",
        "[2001::1]",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
        "[3fff::1]",
        "[5f00::1]",
        "[fc00::1]",
        "[fd00::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
    ] {
        let stage = ask(&strict, &format!("https://{host}/")).await.unwrap_err();
        assert_eq!(stage, Stage::AddressNotPublic, "{host}");
    }
    assert_eq!(internet.names.asked(), [""; 0], "no name was looked up");
    for url in [
        "http://good.example.com/",
        "ftp://good.example.com/",
        "file:///etc/passwd",
        "https://user@good.example.com/",
        "https://:secret@good.example.com/",
        "data:text/plain,x",
    ] {
        let stage = ask(&strict, url).await.unwrap_err();
        assert!(matches!(stage, Stage::Url(_)), "{url}: {stage}");
    }
    assert_eq!(internet.asked(), [""; 0], "nothing was asked for");
}

/// A name whose address isn't public.
#[tokio::test]
async fn names_of_private_addresses() {
    let internet = internet().await;
    let strict = fetcher(&internet, false);
    for (n, address) in [
        "0.0.0.0",
        "10.255.255.255",
        "100.127.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.31.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.19.0.1",
        "224.0.0.251",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2001:0:1::",
        "2001:db8::1",
        "2002:a00:1::",
        "fd12::1",
        "fe80::1",
        "ff0e::1",
    ]
    .iter()
    .enumerate()
    {
        let name = format!("n{n}.example.com");
        let address: IpAddr = address.parse().unwrap();
        internet.names.add_addresses(&name, &[address]);
        let stage = ask(&strict, &format!("https://{name}/")).await.unwrap_err();
        assert_eq!(stage, Stage::AddressNotPublic, "{address}");
    }
    assert_eq!(internet.asked(), [""; 0], "nothing was asked for");
}

/// One private address among others is a trick. Here loopback stands for the public ones.
#[tokio::test]
async fn mixed_answers() {
    let internet = internet().await;
    let fetcher = fetcher(&internet, true);
    for (n, others) in [
        ["10.0.0.1"],
        ["fd00::1"],
        ["169.254.169.254"],
        ["::ffff:10.0.0.1"],
    ]
    .iter()
    .enumerate()
    {
        let name = format!("mixed{n}.example.com");
        let addresses: Vec<IpAddr> = ["127.0.0.1"]
            .iter()
            .chain(others)
            .map(|address| address.parse().unwrap())
            .collect();
        internet.names.add_addresses(&name, &addresses);
        let stage = ask(&fetcher, &format!("https://{name}/"))
            .await
            .unwrap_err();
        assert_eq!(stage, Stage::AddressNotPublic, "{addresses:?}");
    }
    assert_eq!(internet.asked(), [""; 0]);
}

/// Clause ID-NET-01: an address at which nobody answers is no reason to give up the others.
#[tokio::test]
async fn one_of_two_addresses_answers() {
    let internet = internet().await;
    let name = "good.example.com";
    let two: [IpAddr; 2] = ["127.0.0.2", "127.0.0.1"].map(|address| address.parse().unwrap());
    internet.names.add_addresses(name, &two);
    // The first answer had one address only.
    for _ in 0..3 {
        let fetcher = fetcher(&internet, true);
        let page = ask(&fetcher, &format!("https://{name}/")).await;
        assert_eq!(page.unwrap(), "here");
    }
    assert!(internet.names.asked().len() > 2, "both answers were had");
}

/// A name that answers well once, and then with a private address: there is no second look-up
/// between the check and the connection.
#[tokio::test]
async fn rebinding() {
    let internet = internet().await;
    let name = "good.example.com";
    // The host's own name had its first answer, loopback, at the start.
    internet
        .names
        .add_addresses(name, &["10.0.0.1".parse().unwrap()]);
    let first = fetcher(&internet, true);
    let url = format!("https://{name}/");
    assert_eq!(ask(&first, &url).await.unwrap(), "here");
    let mut asked = internet.names.asked();
    asked.sort();
    assert_eq!(
        asked,
        [format!("A {name}"), format!("AAAA {name}")],
        "one look-up for check and connection"
    );
    // Whoever looks it up now gets the private address, and is refused.
    let second = fetcher(&internet, true);
    assert_eq!(
        ask(&second, &url).await.unwrap_err(),
        Stage::AddressNotPublic
    );
    assert_eq!(internet.asked().len(), 1);
}
