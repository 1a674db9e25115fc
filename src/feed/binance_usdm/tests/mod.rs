//! What the decoder guarantees, over frames made in the venue's form.
