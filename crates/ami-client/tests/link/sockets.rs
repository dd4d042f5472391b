//! Real sockets on loopback.

use ami_client::{Link, Transport};
use tokio::{join, net::TcpListener};

use crate::{config, fake_ami::FakeAmi, originate, soon, until};

#[tokio::test]
async fn works_over_tcp_and_survives_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut link = Link::new(config(listener.local_addr().unwrap().port()));
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut asterisk = FakeAmi::new(stream);
        asterisk.let_in().await;
        asterisk
    };
    let (happened, mut asterisk) = soon(async { join!(until(&mut link, "up"), accept) }).await;
    assert_eq!(happened, ["connecting 1", "up 22"]);
    link.send(&originate()).unwrap();
    let reset = async {
        assert_eq!(asterisk.hear().await.unwrap().name(), "Originate");
        let stream = asterisk.into_stream();
        stream.set_zero_linger().unwrap();
        drop(stream);
    };
    let (happened, ()) = soon(async { join!(until(&mut link, "down"), reset) }).await;
    assert_eq!(happened[0], "unanswered Originate sent");
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        FakeAmi::new(stream).let_in().await
    };
    let (happened, _) = soon(async { join!(until(&mut link, "up"), accept) }).await;
    assert_eq!(happened.last().unwrap(), "up 22");
}

#[tokio::test]
async fn port_where_nothing_listens_gets_a_sentence() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut link = Link::new(config(port));
    let happened = soon(until(&mut link, "down")).await;
    assert_eq!(
        happened[1],
        format!(
            "down: nothing listens at localhost:{port}: check address and port, and that manager.conf has enabled = yes"
        )
    );
}

#[tokio::test]
async fn plain_link_to_another_host_is_refused_before_a_byte_leaves() {
    let mut far = config(5038);
    far.host = "192.0.2.1".into();
    let mut link = Link::new(far);
    let happened = soon(until(&mut link, "down")).await;
    assert!(
        happened[1].starts_with("down: 192.0.2.1 would get the AMI secret"),
        "{happened:?}"
    );
}

#[tokio::test]
async fn unknown_host_gets_a_sentence() {
    let mut nowhere = config(5038);
    nowhere.host = "pbx.invalid".into();
    nowhere.transport = Transport::Tls(ami_client::Trust::System);
    let mut link = Link::new(nowhere);
    let happened = soon(until(&mut link, "down")).await;
    assert!(
        happened[1].starts_with("down: the name pbx.invalid is not known")
            || happened[1].contains("does not answer"),
        "{happened:?}"
    );
}
