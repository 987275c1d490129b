//! Lets the linker leave Node-API's symbols to Node.

fn main() {
    napi_build::setup();
}
