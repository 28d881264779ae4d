//! Listening: connections in, a graceful end.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::serve::ListenerExt as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::Error;
use crate::{App, Config, pipeline, routes};

/// How many connections may wait to be accepted: a generator opens its thousands in a burst.
const BACKLOG: u32 = 4096;
/// How long requests being served may go on once the end was asked for.
const GRACE: Duration = Duration::from_secs(10);

/// All routes of the service around one instance. Without connection information every peer counts as 127.0.0.1.
pub fn app(state: App) -> Router {
    routes::router().layer(from_fn_with_state(state.clone(), pipeline::serve_request)).with_state(state)
}

/// Serves on `listener` until `shutdown` completes, then lets requests being served end, for 10 s at most.
///
/// # Errors
/// [`Error`] when the instance cannot be set up or the listener fails.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    serve_app(App::new(config)?, listener, shutdown).await
}

pub(crate) async fn serve_app(
    state: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let log = state.log().clone();
    let (ending, ended) = oneshot::channel();
    let asked = async move {
        shutdown.await;
        let _ = ending.send(());
    };
    // Small answers must not wait for the peer's acknowledgement; a socket that refuses this still works.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let service = app(state).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(asked);
    let patience =
        async move { if ended.await.is_ok() { tokio::time::sleep(GRACE).await } else { pending().await } };
    let result = tokio::select! {
        result = async { serving.await } => result.map_err(Error::io("serve")),
        () = patience => Ok(()),
    };
    log.flush();
    result
}

/// Binds a listener that takes bursts of connections.
///
/// # Errors
/// [`Error::Io`] when the address cannot be had.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.map_err(Error::io("open a socket"))?;
    socket.set_reuseaddr(true).map_err(Error::io("set up the socket"))?;
    socket.bind(address).map_err(Error::io("bind the address"))?;
    socket.listen(BACKLOG).map_err(Error::io("listen"))
}

/// A service running inside this process; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), Error>>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and the address, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends the service gracefully.
    ///
    /// # Errors
    /// [`Error`] when serving had failed.
    pub async fn stop(mut self) -> Result<(), Error> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let failed = |error| Error::Io { doing: "end the service", source: std::io::Error::other(error) };
        (&mut self.task).await.map_err(failed)?
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

/// Starts a service on the current tokio runtime; port 0 takes a free one. Returns once it listens.
///
/// # Errors
/// [`Error`] when the instance cannot be set up or the address cannot be had.
pub async fn spawn(config: Config, address: SocketAddr) -> Result<Running, Error> {
    let set_up = tokio::task::spawn_blocking(move || App::new(config)).await;
    let failed = |error| Error::Io { doing: "set up the service", source: std::io::Error::other(error) };
    let state = set_up.map_err(failed)??;
    let listener = bind(address)?;
    let address = listener.local_addr().map_err(Error::io("read the address"))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    let task = tokio::spawn(serve_app(state, listener, shutdown));
    Ok(Running { address, stop: Some(stop), task })
}
