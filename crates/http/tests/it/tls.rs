//! TLS against a real rustls server: trust, names, client certificates, resumption.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;
use squall_core::{ErrorClass, Nanos};
use squall_http::{
    ClientCertificate, ClientConfig, Method, Request, TcpConnector, Tls, TlsError, TlsOptions,
};

use crate::support::*;

fn certificate(name: &str) -> CertifiedKey<KeyPair> {
    generate_simple_self_signed([name.to_owned()]).unwrap()
}

/// How each handshake went, and what ALPN agreed on.
type Handshakes = Rc<RefCell<Vec<(HandshakeKind, Option<Vec<u8>>)>>>;

/// Plays the script on each connection, over TLS with its own certificate, one after the other.
async fn serve_tls_with(
    script: Vec<Act>,
    own: &CertifiedKey<KeyPair>,
    clients: Option<&CertifiedKey<KeyPair>>,
) -> (SocketAddr, Handshakes) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(trusted) => {
            let mut roots = RootCertStore::empty();
            roots.add(trusted.cert.der().clone()).unwrap();
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap(),
            )
        }
    };
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let mut config = builder.with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handshakes = Handshakes::default();
    let seen = Rc::clone(&handshakes);
    tokio::task::spawn_local(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let (_, connection) = stream.get_ref();
            seen.borrow_mut()
                .push((connection.handshake_kind().unwrap(), connection.alpn_protocol().map(<[u8]>::to_vec)));
            play(&mut stream, script.clone(), &Log::default()).await;
        }
    });
    (address, handshakes)
}

/// Answers two requests on each connection.
async fn serve_tls(
    own: &CertifiedKey<KeyPair>,
    clients: Option<&CertifiedKey<KeyPair>>,
) -> (SocketAddr, Handshakes) {
    let script = vec![Act::Read, ok(&"over tls ".repeat(5000)), Act::Read, ok("again")];
    serve_tls_with(script, own, clients).await
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn user(options: &TlsOptions) -> User {
    User::new(ClientConfig::default(), Tls::load(options).unwrap(), TcpConnector)
}

fn insecure() -> TlsOptions {
    TlsOptions { insecure: true, ..TlsOptions::default() }
}

#[test]
fn serves_over_tls_and_resumes() {
    run(async {
        let (address, handshakes) = serve_tls(&certificate("a.test"), None).await;
        let mut user = user(&insecure());
        let origin = origin(&format!("https://a.test:{}", address.port()), address);
        let first = user.get(&origin, "/").await.unwrap();
        assert_eq!(user.captured.body(), "over tls ".repeat(5000).as_bytes());
        assert!(first.tls > Nanos::ZERO && first.connect > Nanos::ZERO);
        let second = user.get(&origin, "/").await.unwrap();
        assert_eq!((second.reused, second.tls), (true, Nanos::ZERO));
        user.session.close();
        user.get(&origin, "/").await.unwrap();
        // Another user knows nothing of the first one's session.
        user.session = squall_http::Session::default();
        user.get(&origin, "/").await.unwrap();
        let kinds: Vec<_> = handshakes.borrow().iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Full]);
        assert!(handshakes.borrow().iter().all(|(_, alpn)| alpn.as_deref() == Some(b"http/1.1")));
    });
}

#[test]
fn a_long_body_leaves_in_full() {
    run(async {
        // More than the sockets between them hold, so that TLS is left with bytes the kernel would not take.
        const LENGTH: usize = 12 << 20;
        let body = vec![b'x'; LENGTH];
        let script = vec![Act::ReadHead, Act::Wait(30), Act::Swallow(LENGTH), ok("thanks"), Act::Hang];
        let (address, _) = serve_tls_with(script, &certificate("a.test"), None).await;
        let mut user = user(&insecure());
        let origin = origin("https://a.test", address);
        let request =
            Request { method: Method::POST, body: Some(&body), deadline: user.in_secs(20), ..get(&origin) };
        let exchange = user.send(request).await.unwrap();
        assert_eq!((exchange.status, exchange.attempts), (200, 1));
        assert!(exchange.bytes_out > LENGTH as u64);
    });
}

#[test]
fn the_end_of_the_stream_needs_no_farewell() {
    run(async {
        let script = vec![Act::Read, say("HTTP/1.1 200 OK\r\n\r\nto the end"), Act::Close];
        let (address, _) = serve_tls_with(script, &certificate("a.test"), None).await;
        let mut user = user(&insecure());
        assert_eq!(user.get(&origin("https://a.test", address), "/").await.unwrap().status, 200);
        assert_eq!(user.captured.body(), b"to the end");
    });
}

#[test]
fn trusts_what_it_is_told_to_trust() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let own = certificate("a.test");
        let (address, _) = serve_tls(&own, None).await;
        let ca_file = Some(file(folder.path(), "ca.pem", &own.cert.pem()));
        let trusting = TlsOptions { ca_file, ..TlsOptions::default() };
        let named = origin("https://a.test", address);
        assert_eq!(user(&trusting).get(&named, "/").await.unwrap().status, 200);
        // The right certificate under the wrong name.
        let failure = user(&trusting).get(&origin("https://b.test", address), "/").await.unwrap_err();
        assert_eq!((failure.class, failure.fully_written), (ErrorClass::Tls, false));
        assert!(failure.to_string().contains("certificate"), "{failure}");
        assert!(failure.exchange.tls > Nanos::ZERO);
        // A certificate nobody vouches for.
        let stranger = Some(file(folder.path(), "other.pem", &certificate("a.test").cert.pem()));
        let failure = user(&TlsOptions { ca_file: stranger, ..TlsOptions::default() }).get(&named, "/").await;
        assert_eq!(failure.unwrap_err().class, ErrorClass::Tls);
    });
}

#[test]
fn shows_a_client_certificate() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let client = certificate("client");
        let (address, _) = serve_tls(&certificate("a.test"), Some(&client)).await;
        let origin = origin("https://a.test", address);
        let client_certificate = Some(ClientCertificate {
            cert: file(folder.path(), "cert.pem", &client.cert.pem()),
            key: file(folder.path(), "key.pem", &client.signing_key.serialize_pem()),
        });
        let shown = TlsOptions { insecure: true, client_certificate, ..TlsOptions::default() };
        assert_eq!(user(&shown).get(&origin, "/").await.unwrap().status, 200);
        // With TLS 1.3 the client hears of its refusal only after its own handshake is done.
        assert_eq!(user(&insecure()).get(&origin, "/").await.unwrap_err().class, ErrorClass::Tls);
    });
}

#[test]
fn a_server_without_tls_is_a_tls_failure() {
    run(async {
        for script in
            [vec![Act::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), Act::Hang], vec![Act::Close]]
        {
            let (address, _) = serve(vec![script]).await;
            let failure = user(&insecure()).get(&origin("https://a.test", address), "/").await.unwrap_err();
            assert_eq!(failure.class, ErrorClass::Tls, "{failure}");
        }
    });
}

#[test]
fn a_handshake_is_bounded_by_the_connect_timeout() {
    run_paused(async {
        let config = ClientConfig { connect_timeout: Nanos::from_millis(300), ..ClientConfig::default() };
        let mut user = User::new(config, Tls::load(&insecure()).unwrap(), Memory::new(vec![vec![Act::Hang]]));
        let begun = user.clock.now();
        let failure = user.get(&origin("https://a.test", anywhere()), "/").await.unwrap_err();
        assert_eq!(failure.class, ErrorClass::ConnectTimeout);
        let took = failure.exchange.done - begun;
        assert!(took >= Nanos::from_millis(300) && took < Nanos::from_millis(310), "{took}");
    });
}

#[test]
fn files_that_do_not_load_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = file(folder.path(), "empty.pem", "nothing\n");
    for path in [empty, folder.path().join("missing.pem")] {
        let error =
            Tls::load(&TlsOptions { ca_file: Some(path.clone()), ..TlsOptions::default() }).unwrap_err();
        assert!(matches!(&error, TlsError::File { path: named, .. } if *named == path), "{error}");
    }
}
