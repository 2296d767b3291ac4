pub fn run() -> crate::command::Outcome {
    Ok(())
}
