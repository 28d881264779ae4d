use super::*;
use proptest::prelude::*;
use std::net::SocketAddr;
use url::Url;

const WALL: i64 = 1_445_412_000;

fn origin(url: &str) -> Origin {
    Origin::with_addresses(&Url::parse(url).unwrap(), vec![SocketAddr::from(([127, 0, 0, 1], 1))]).unwrap()
}

/// A jar that came to be by these headers, received from `url` + `target` at second 10.
fn jar(url: &str, target: &str, headers: &[&str]) -> Option<Box<Jar>> {
    let mut jar = None;
    for header in headers {
        store(&mut jar, &origin(url), target.as_bytes(), header.as_bytes(), Nanos::from_secs(10), WALL);
    }
    jar
}

fn sent(jar: Option<&Jar>, url: &str, target: &str, at_secs: u64) -> String {
    let mut out = Vec::new();
    if let Some(jar) = jar {
        jar.write(&origin(url), target.as_bytes(), Nanos::from_secs(at_secs), &mut out);
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn belongs_to_hosts_paths_and_schemes() {
    for (from, target, header, to, to_target, goes) in [
        ("http://a.test", "/", "s=1", "http://a.test", "/any?x", true),
        ("http://a.test", "/", "s=1", "http://b.test", "/", false),
        ("http://a.test", "/", "s=1", "http://www.a.test", "/", false),
        ("http://a.test", "/", "s=1", "http://a.test:8080", "/", true),
        ("http://www.a.test", "/", "s=1; Domain=a.test", "http://a.test", "/", true),
        ("http://www.a.test", "/", "s=1; domain=.A.TEST", "http://api.a.test", "/", true),
        ("http://a.test", "/", "s=1; Domain=b.test", "http://b.test", "/", false),
        ("http://a.test", "/", "s=1; Domain=b.test", "http://a.test", "/", false),
        ("http://xa.test", "/", "s=1; Domain=a.test", "http://xa.test", "/", false),
        ("http://a.test", "/", "s=1; Domain=test", "http://a.test", "/", false),
        ("http://localhost", "/", "s=1; Domain=localhost", "http://localhost", "/", true),
        ("http://10.0.0.1", "/", "s=1; Domain=0.0.1", "http://10.0.0.1", "/", false),
        ("http://10.0.0.1", "/", "s=1; Domain=10.0.0.1", "http://10.0.0.1", "/", true),
        ("http://a.test", "/", "s=1; Path=/api", "http://a.test", "/api/x", true),
        ("http://a.test", "/", "s=1; Path=/api", "http://a.test", "/api", true),
        ("http://a.test", "/", "s=1; Path=/api", "http://a.test", "/apis", false),
        ("http://a.test", "/", "s=1; Path=/api/", "http://a.test/api", "/x", true),
        ("http://a.test", "/", "s=1; Path=/api/x", "http://a.test/api", "/x?q=/y", true),
        ("http://a.test", "/login/form", "s=1", "http://a.test", "/login/other", true),
        ("http://a.test", "/login/form", "s=1", "http://a.test", "/else", false),
        ("http://a.test", "/login/form?next=/a/b/c", "s=1", "http://a.test", "/login", true),
        ("http://a.test", "/x/y", "s=1; Path=none", "http://a.test", "/x/", true),
        ("https://a.test", "/", "s=1; Secure; HttpOnly", "https://a.test", "/", true),
        ("https://a.test", "/", "s=1; Secure", "http://a.test", "/", false),
        ("https://a.test", "/", "s=1", "http://a.test", "/", true),
    ] {
        let jar = jar(from, target, &[header]);
        let expected = if goes { "Cookie: s=1\r\n" } else { "" };
        assert_eq!(
            sent(jar.as_deref(), to, to_target, 10),
            expected,
            "{header} from {from}{target} to {to}{to_target}"
        );
    }
}

#[test]
fn expires() {
    for (header, last_second) in [
        ("s=1; Max-Age=5", 14),
        ("s=1; Expires=Wed, 21 Oct 2015 07:20:05 GMT", 14),
        // Max-Age wins.
        ("s=1; Max-Age=5; Expires=Wed, 21 Oct 2099 07:20:05 GMT", 14),
        // Nonsense is as good as absent.
        ("s=1; Max-Age=soon; Expires=never", u64::MAX >> 40),
    ] {
        let jar = jar("http://a.test", "/", &[header]);
        assert_eq!(sent(jar.as_deref(), "http://a.test", "/", last_second), "Cookie: s=1\r\n", "{header}");
        if last_second < 1000 {
            assert_eq!(sent(jar.as_deref(), "http://a.test", "/", last_second + 1), "", "{header}");
        }
    }
}

#[test]
fn is_replaced_and_deleted_by_name_domain_and_path() {
    let all = jar("http://a.test", "/", &["a=1", "b=2", "a=3; Path=/deep", "a=4"]);
    assert_eq!(sent(all.as_deref(), "http://a.test", "/deep", 10), "Cookie: a=3; a=4; b=2\r\n");
    let fewer = jar("http://a.test", "/", &["a=1", "b=2", "a=; Max-Age=0"]);
    assert_eq!(sent(fewer.as_deref(), "http://a.test", "/", 10), "Cookie: b=2\r\n");
    let past = jar("http://a.test", "/", &["a=1", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]);
    assert_eq!(sent(past.as_deref(), "http://a.test", "/", 10), "");
}

#[test]
fn a_user_without_cookies_has_no_jar() {
    let refused = ["", "=x", "noequals", "a=1; Max-Age=0", "a=1; Domain=other.test", "a=\x01"];
    assert!(jar("http://a.test", "/", &refused).is_none());
    let long = format!("a={}", "x".repeat(MAX_COOKIE_BYTES));
    assert!(jar("http://a.test", "/", &[&long]).is_none());
}

#[test]
fn a_jar_is_bounded() {
    let mut jar = None;
    for n in 0..1000 {
        let header = format!("c{n}=1; Max-Age={}", 1000 + n);
        store(&mut jar, &origin("http://a.test"), b"/", header.as_bytes(), Nanos::ZERO, WALL);
    }
    let line = sent(jar.as_deref(), "http://a.test", "/", 1);
    assert_eq!(line.matches("c").count(), MAX_COOKIES);
    assert!(line.contains("c999=1"));
}

#[test]
fn values_are_kept_as_sent() {
    let jar = jar("http://a.test", "/", &["  token = \"a=b, c\" ; Path=/", "empty="]);
    assert_eq!(sent(jar.as_deref(), "http://a.test", "/", 10), "Cookie: token=\"a=b, c\"; empty=\r\n");
}

proptest! {
    #[test]
    fn never_panics(headers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..5)) {
        let mut jar = None;
        let origin = origin("http://a.test/p");
        for header in &headers {
            store(&mut jar, &origin, b"/x", header, Nanos::from_secs(1), WALL);
        }
        if let Some(jar) = jar {
            jar.write(&origin, b"/x", Nanos::from_secs(1), &mut Vec::new());
        }
    }

    #[test]
    fn never_panics_on_attributes(
        header in "[a-c]=[a-z]{0,4}(; ?(Path|Domain|Max-Age|Expires|Secure)(=[-./:0-9a-zA-Z ]{0,24})?){0,5}",
        target in "/?[a-z/?=]{0,10}",
    ) {
        let mut jar = None;
        let origin = origin("https://a.test");
        store(&mut jar, &origin, target.as_bytes(), header.as_bytes(), Nanos::from_secs(1), WALL);
        if let Some(jar) = jar {
            let mut out = Vec::new();
            jar.write(&origin, target.as_bytes(), Nanos::from_secs(1), &mut out);
            prop_assert!(out.is_empty() || out.ends_with(b"\r\n"));
            prop_assert!(out.iter().filter(|&&byte| byte == b'\n').count() <= 1);
        }
    }
}
