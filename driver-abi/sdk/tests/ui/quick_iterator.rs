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
    #[export(stream, quick)]
    fn read(&self) -> impl Iterator<Item = Result<u8>> {
        [Ok(1)].into_iter()
    }
}

fn main() {}
