//! A timer finer than the runtime's, whose steps of a millisecond would be most of a fast server's
//! latency.

#[cfg(target_os = "linux")]
pub(super) use self::timerfd::Alarm;

#[cfg(target_os = "linux")]
mod timerfd {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    /// Wakes one task after a while.
    #[derive(Debug)]
    pub(in super::super) struct Alarm(AsyncFd<OwnedFd>);

    impl Alarm {
        #[expect(
            deprecated,
            reason = "its unsafe successor only asks for what an OwnedFd promises"
        )]
        pub(in super::super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            Ok(Self(AsyncFd::new(timer)?))
        }

        pub(in super::super) async fn sleep(&self, duration: Duration) -> io::Result<()> {
            // Zero would switch the timer off.
            let duration = duration.max(Duration::from_nanos(1));
            let it_value = Timespec::try_from(duration).map_err(io::Error::other)?;
            let once = Itimerspec { it_interval: Timespec::default(), it_value };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
            let mut rang = self.0.readable().await?;
            rustix::io::read(&self.0, &mut [0; 8])?;
            rang.clear_ready();
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod coarse {
    use std::io;
    use std::time::Duration;

    /// Wakes one task after a while, up to a millisecond late.
    #[derive(Debug)]
    pub(in super::super) struct Alarm;

    impl Alarm {
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(in super::super) async fn sleep(&self, duration: Duration) -> io::Result<()> {
            tokio::time::sleep(duration).await;
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) use self::coarse::Alarm;
