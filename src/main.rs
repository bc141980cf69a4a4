//! The program: arguments in, exit code out; everything else is in the library.

/// Faster under load here than the system's allocator, and it halves the memory of a held poll (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    ringback::cli::main()
}
