//! The whole engine with a simulated venue, and the project's own reader against its endpoint.

use std::time::Duration;

use tickcache::app::{Engine, venue_defaults};
use tickcache::config::Settings;
use tickcache::reader::{Options, Reader};
use tickcache::simulate::{Config, MarketOptions, Simulator};

fn settings(simulator: &Simulator, listen: &str) -> Settings {
    let text = format!(
        "[embedded]\nlisten = \"{listen}\"\n[http]\nlisten = \"\"\n[[feed]]\nvenue = \"binance\"\n\
         instruments = [\"BTC-USDT\"]\nwebsocket_url = \"{}\"\nrest_url = \"{}\"\n",
        simulator.websocket_url(),
        simulator.rest_url(),
    );
    Settings::load(&text, "test", std::iter::empty(), &venue_defaults()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reader_works_without_a_redis() {
    let simulator = Simulator::start(Config::market(MarketOptions::default())).await.unwrap();
    let engine = Engine::start(&settings(&simulator, "127.0.0.1:0")).unwrap();
    let address = engine.endpoint().unwrap();
    let url = format!("redis://{address}");
    let reader = Reader::connect_with(&url, Default::default(), Options::default()).await.unwrap();
    let waiting = async {
        while reader.catalog().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
    let engines = reader.engines().await.unwrap();
    assert_eq!(engines.len(), 1);
    // A second engine cannot have the same port, and says which setting to change.
    let error = Engine::start(&settings(&simulator, &address.to_string())).unwrap_err();
    assert!(format!("{error:#}").contains("set embedded.listen"), "{error:#}");
    engine.stop().await.unwrap();
    simulator.stop().await;
    let gone = async { while tokio::net::TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
}
