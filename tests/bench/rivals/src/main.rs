//! The crate `asterisk-rs-ami` as its users run it: subscribes to every event and counts them.
//!
//! `rivals PORT [CAPACITY]`; prints `end RECEIVED` when the bench's last event has come and stays until its input ends.

use std::{error::Error, io::Read as _};

use asterisk_rs_ami::{AmiClient, AmiEvent};
use asterisk_rs_core::event::EventReceive;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().ok_or("which port?")?.parse()?;
    let mut builder = AmiClient::builder()
        .host("127.0.0.1")
        .port(port)
        .credentials("bench", "bench");
    if let Some(capacity) = arguments.next() {
        builder = builder.event_capacity(capacity.parse()?);
    }
    let client = builder.build().await?;
    let mut events = client.subscribe();
    // The replay begins after this, so that nothing is missed between the login and the subscription.
    client.ping().await?;
    let mut received = 0_u64;
    loop {
        match events.recv().await {
            EventReceive::Event(AmiEvent::UserEvent { .. }) => break,
            EventReceive::Event(_) => received += 1,
            EventReceive::Lagged(_) => {}
            EventReceive::Closed => return Err("closed".into()),
        }
    }
    println!("end {received}");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
