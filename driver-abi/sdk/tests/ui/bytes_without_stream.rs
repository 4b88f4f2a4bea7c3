use jumpstarter_driver::{ByteStream, Context, Driver, NoConfig, Result, driver};

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
    async fn connect(&self, io: ByteStream, speed: u32) -> Result<()> {
        drop((io, speed));
        Ok(())
    }
}

fn main() {}
