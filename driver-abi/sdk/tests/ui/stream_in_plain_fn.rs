use jumpstarter_driver::{Context, Driver, MessageStream, NoConfig, Result, driver};

struct Power;

impl Driver for Power {
    type Config = NoConfig;

    async fn open(_: NoConfig, _: Context) -> Result<Self> {
        Ok(Self)
    }
}

#[driver(type = "test.Power")]
impl Power {
    #[export(bytes)]
    fn connect(&self, speed: u32, io: MessageStream) -> Result<()> {
        drop((io, speed));
        Ok(())
    }
}

fn main() {}
