//! Is every conversation with the embedded endpoint well, whatever the bytes?
//!
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run -s none resp_request fuzz/corpus/resp_request fuzz/seeds/resp_request --
//! -dict=fuzz/resp_request.dict -max_total_time=180`. The same check runs in `cargo test` on seeded mutations.
#![no_main]

use std::sync::LazyLock;

#[path = "../src/conversation.rs"]
mod conversation;

static ENDPOINTS: LazyLock<conversation::Endpoints> = LazyLock::new(conversation::Endpoints::new);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ENDPOINTS.check(bytes));
