/// What [`Socket`](crate::Socket) can be wrapped around: anything that is a system socket.
#[cfg(unix)]
pub trait RawSocket: std::os::fd::AsFd {}
#[cfg(unix)]
impl<T: std::os::fd::AsFd> RawSocket for T {}

/// What [`Socket`](crate::Socket) can be wrapped around: anything that is a system socket.
#[cfg(windows)]
pub trait RawSocket: std::os::windows::io::AsSocket {}
#[cfg(windows)]
impl<T: std::os::windows::io::AsSocket> RawSocket for T {}
