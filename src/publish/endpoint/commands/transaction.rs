//! MULTI and EXEC, of reads. <https://redis.io/docs/latest/commands/?group=transactions>
//!
//! The requests of a transaction are answered one after the other, with nothing of this client between them. The engine
//! goes on writing meanwhile: each value is of its own moment.

use super::super::session::{Call, TRANSACTION_MAX, Transaction, met};
use super::super::spec::Name;
use super::{OURS, execute, find};

pub(in super::super) fn multi(call: &mut Call<'_>) {
    if call.session.transaction.is_some() {
        return call.error("ERR MULTI calls can not be nested");
    }
    call.session.transaction = Some(Transaction::default());
    call.ok();
}

pub(in super::super) fn discard(call: &mut Call<'_>) {
    if call.session.transaction.take().is_none() {
        return call.error("ERR DISCARD without MULTI");
    }
    call.ok();
}

pub(super) fn queue(call: &mut Call<'_>) {
    let request = call.request;
    if call.session.transaction.as_mut().is_some_and(|transaction| transaction.queue(request)) {
        return call.reply().simple("QUEUED");
    }
    met("transaction");
    call.error(format!(
        "ERR {OURS} a transaction holds at most {TRANSACTION_MAX} requests of 1 MiB together"
    ));
}

pub(in super::super) fn exec(call: &mut Call<'_>) {
    let Some(transaction) = call.session.transaction.take() else {
        return call.error("ERR EXEC without MULTI");
    };
    if transaction.is_broken {
        return call.error("EXECABORT Transaction discarded because of previous errors.");
    }
    call.reply().array(transaction.requests.len());
    for queued in &transaction.requests {
        let request = queued.as_request();
        let Call { shared, start, now, wall, .. } = *call;
        let mut one = Call { shared, session: call.session, request, out: call.out, start, now, wall };
        match find(request, &Name::of(request.get(0), None)) {
            Ok(spec) => execute(&mut one, spec),
            Err(refusal) => one.error(&refusal),
        }
        // The whole answer has become an error: too long.
        if call.out.get(call.start) == Some(&b'-') {
            return;
        }
    }
}
