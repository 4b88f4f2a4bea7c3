use jumpstarter_driver::{Context, Driver, NoConfig, Result, driver};

struct Power;

impl Driver for Power {
    type Config = NoConfig;

    async fn open(_: NoConfig, _: Context) -> Result<Self> {
        Ok(Self)
    }
}

#[driver(type = "test.Power")]
impl Power {
    #[export]
    async fn on(&mut self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
