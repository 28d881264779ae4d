use super::*;
use squall_core::Nanos;
use std::net::SocketAddr;

fn origin(url: &str) -> Origin {
    Origin::with_addresses(&Url::parse(url).unwrap(), vec![SocketAddr::from(([127, 0, 0, 1], 1))]).unwrap()
}

const HEADERS: &[u8] =
    b"Accept: */*\r\nauthorization: Bearer x\r\nCookie: a=b\r\nContent-Type: text/plain\r\n";

fn request<'a>(method: Method<'a>, origin: &'a Origin, target: &'a str) -> Request<'a> {
    Request {
        method,
        origin,
        target: target.as_bytes(),
        headers: HEADERS,
        host: Some("virtual.test"),
        body: Some(b"body"),
        follow: true,
        deadline: Nanos::MAX,
    }
}

#[test]
fn locations_are_resolved_against_the_request() {
    for (base, target, location, url, crosses) in [
        ("http://a.test", "/x/y?q", "/z", "http://a.test/z", false),
        ("http://a.test", "/x/y?q", "z?w#frag", "http://a.test/x/z?w", false),
        ("http://a.test/api", "/x", "../z", "http://a.test/z", false),
        ("http://a.test/api", "/x/", "z", "http://a.test/api/x/z", false),
        ("http://a.test", "/", "http://A.test:80/z", "http://a.test/z", false),
        ("http://a.test", "/", "//b.test/z", "http://b.test/z", true),
        ("http://a.test", "/", "https://a.test/z", "https://a.test/z", true),
        ("http://a.test", "/", "http://a.test:81", "http://a.test:81/", true),
        ("http://a.test:8000", "/", " /with space ", "http://a.test:8000/with%20space", false),
    ] {
        let from = origin(base);
        let next = next(&request(Method::GET, &from, target), 302, location.as_bytes()).unwrap();
        assert_eq!(next.crosses_origin, crosses, "{location}");
        let hop = next.into_hop(&origin(url));
        let current = request(Method::GET, &from, target);
        let sent = hop.request(&current);
        let whole = format!("{}{}", sent.origin.authority_url(), String::from_utf8_lossy(sent.target));
        assert_eq!(whole, url, "{location}");
        assert_eq!(sent.origin.prefix(), "");
    }
}

#[test]
fn what_cannot_be_followed_is_a_failure() {
    let from = origin("http://a.test");
    for location in
        [&b"ftp://a.test/x"[..], b"http://", b"mailto:someone@a.test", b"\xff\xfe", b"http://[::1"]
    {
        let error = next(&request(Method::GET, &from, "/"), 302, location).unwrap_err();
        assert_eq!(error.class, ErrorClass::Redirect, "{location:?}");
    }
}

#[test]
fn methods_change_as_the_standard_says() {
    for (method, status, expected, has_body) in [
        ("POST", 301, "GET", false),
        ("POST", 302, "GET", false),
        ("POST", 303, "GET", false),
        ("POST", 307, "POST", true),
        ("POST", 308, "POST", true),
        ("PUT", 301, "PUT", true),
        ("PUT", 302, "PUT", true),
        ("PUT", 303, "GET", false),
        ("DELETE", 303, "GET", false),
        ("GET", 303, "GET", true),
        ("HEAD", 302, "HEAD", true),
        ("HEAD", 303, "HEAD", true),
    ] {
        let from = origin("http://a.test");
        let current = request(Method::new(method), &from, "/");
        let hop = next(&current, status, b"/z").unwrap().into_hop(&from);
        let sent = hop.request(&current);
        assert_eq!((sent.method.as_str(), sent.body.is_some()), (expected, has_body), "{method} {status}");
        let speaks_of_body = String::from_utf8_lossy(sent.headers).contains("Content-Type");
        assert_eq!(speaks_of_body, has_body, "{method} {status}");
        assert_eq!(sent.host, Some("virtual.test"));
    }
}

#[test]
fn credentials_stay_with_their_origin() {
    let from = origin("http://a.test");
    let current = request(Method::GET, &from, "/");
    let same = next(&current, 302, b"/z").unwrap().into_hop(&from);
    assert_eq!(same.request(&current).headers, HEADERS);
    let other = next(&current, 302, b"http://b.test/z").unwrap().into_hop(&origin("http://b.test"));
    assert_eq!(other.request(&current).headers, b"Accept: */*\r\nContent-Type: text/plain\r\n");
    assert_eq!(other.request(&current).host, None);
}

#[test]
fn a_request_that_became_a_get_stays_one() {
    let from = origin("http://a.test");
    let current = request(Method::POST, &from, "/");
    let first = next(&current, 303, b"/one").unwrap().into_hop(&from);
    let second = next(&first.request(&current), 307, b"/two").unwrap().into_hop(&from).after(Some(&first));
    let sent = second.request(&current);
    assert_eq!((sent.method, sent.body, sent.target), (Method::GET, None, &b"/two"[..]));
}
