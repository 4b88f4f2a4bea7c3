//! Data along with calls: whole or not at all, and counted on the way.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fake;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fake::{Fake, Serving, driver};
use jumpstarter_client::connect::{Options, Tls, connect};
use jumpstarter_client::device::CallError;
use jumpstarter_client::resource::{Handle, Transfer, TransferError};
use jumpstarter_client::{Device, Host, Session};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;

async fn lab() -> (Serving, Session) {
    let exporter =
        Fake::new(["card", "full", "tardy"].map(|name| driver(name, "vendor.client.Card")))
            .stores("card", vec![3; 2_000_000])
            .stores("tardy", "it comes")
            .serve()
            .await;
    let options = Options {
        tls: Tls::Off,
        passphrase: None,
    };
    let host = Host::parse(&exporter.address);
    let connection = connect(&host, &options).await.unwrap();
    (exporter, Session::open(connection).await.unwrap())
}

fn device(session: &Session, name: &str) -> Device {
    session.root().child(name).unwrap()
}

async fn write(card: &Device, handle: Handle) -> Result<(), CallError> {
    card.call("write", (handle,)).await
}

async fn read(card: &Device, handle: Handle) -> Result<(), CallError> {
    card.call("read", (handle,)).await
}

async fn sees_it_cut_off(exporter: &Serving) {
    let cut_off = async {
        while !exporter.calls().iter().any(|call| call.contains("cut off")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), cut_off).await.unwrap();
}

/// Fails, in either direction.
struct Faulty;

impl AsyncRead for Faulty {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::other("a bad block")))
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::Error::other("a bad block")))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn every_byte_is_counted() {
    let (exporter, session) = lab().await;
    let card = device(&session, "card");
    let mut counts = Vec::new();
    let mut data = Vec::new();
    Transfer::new(&card)
        .watched(|bytes| counts.push(bytes))
        .download(&mut data, async |handle| read(&card, handle).await)
        .await
        .unwrap();
    assert!(data == [3; 2_000_000]);
    assert!(counts.is_sorted() && counts.len() > 10);
    assert_eq!(counts.last(), Some(&2_000_000));

    let mut sent = 0;
    let image = vec![7; 3_000_000];
    Transfer::new(&card)
        .watched(|bytes| sent = bytes)
        .upload(image.as_slice(), async |handle| write(&card, handle).await)
        .await
        .unwrap();
    assert_eq!(sent, 3_000_000);
    assert!(exporter.stored("card").unwrap() == image);
}

#[tokio::test]
async fn what_cannot_be_read_here_never_arrives_as_a_whole() {
    let (exporter, session) = lab().await;
    let card = device(&session, "card");
    let source = tokio::io::repeat(1).take(1_000_000).chain(Faulty);
    let error = Transfer::new(&card)
        .upload(source, async |handle| write(&card, handle).await)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "cannot read the data: a bad block");
    sees_it_cut_off(&exporter).await;
    assert!(exporter.stored("card").unwrap() == [3; 2_000_000]);
}

#[tokio::test]
async fn what_cannot_be_written_here_is_said() {
    let (_exporter, session) = lab().await;
    let card = device(&session, "card");
    let error = Transfer::new(&card)
        .download(Faulty, async |handle| read(&card, handle).await)
        .await
        .unwrap_err();
    assert!(matches!(error, TransferError::Write(_)), "{error:?}");
}

#[tokio::test]
async fn the_answer_to_the_call_wins() {
    let (_exporter, session) = lab().await;
    let full = device(&session, "full");
    let error = Transfer::new(&full)
        .upload(tokio::io::repeat(0), async |handle| {
            write(&full, handle).await
        })
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "DriverCall 'write' failed with gRPC INTERNAL: no space left on device"
    );
}

#[tokio::test]
async fn a_call_that_does_not_want_the_data_ends_it() {
    let (_exporter, session) = lab().await;
    let card = device(&session, "card");
    // The source never ends, and the driver never asks for it.
    let result = Transfer::new(&card)
        .upload(tokio::io::repeat(0), async |_| {
            card.call::<()>("nothing", ()).await
        })
        .await;
    result.unwrap();
    let missing = Transfer::new(&card)
        .download(tokio::io::sink(), async |_| {
            card.call::<()>("missing", ()).await
        })
        .await
        .unwrap_err();
    assert!(
        matches!(missing, TransferError::Call(CallError::NotImplemented(_))),
        "{missing:?}"
    );
}

#[tokio::test]
async fn a_driver_that_leaves_its_handle_alone_keeps_nobody() {
    let (_exporter, session) = lab().await;
    let card = device(&session, "card");
    let mut data = Vec::new();
    let error = Transfer::new(&card)
        .download(&mut data, async |_| {
            card.call::<()>("nothing", ()).await?;
            // From now on time passes as soon as there is nothing else to do.
            tokio::time::pause();
            Ok(())
        })
        .await
        .unwrap_err();
    assert!(matches!(error, TransferError::Untouched), "{error:?}");
    assert_eq!(data, b"");
}

#[tokio::test]
async fn data_may_come_after_the_answer() {
    let (exporter, session) = lab().await;
    let tardy = device(&session, "tardy");
    let mut data = Vec::new();
    let mut answered = 0;
    Transfer::new(&tardy)
        .download(&mut data, async |handle| {
            read(&tardy, handle).await?;
            answered = exporter.calls().len();
            exporter.release();
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(data, b"it comes");
    assert_eq!(exporter.calls()[answered], "tardy begins to send");
}

#[tokio::test]
async fn a_transfer_that_is_dropped_is_cut_off() {
    let (exporter, session) = lab().await;
    let card = device(&session, "card");
    let upload = Transfer::new(&card).upload(tokio::io::repeat(0), async |handle| {
        write(&card, handle).await
    });
    assert!(timeout(Duration::from_millis(200), upload).await.is_err());
    sees_it_cut_off(&exporter).await;
    assert!(exporter.stored("card").unwrap() == [3; 2_000_000]);
}
