//! Machines whose clocks are wrong for a while, as those without a battery are after a start.

use super::*;

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Checks that peers with a right clock accept the certificate.
async fn is_good(serving: &Serving, authority: &Authority) -> Result<(), String> {
    let trusted = roots(&[der(authority)]);
    dial(serving, trusted, "localhost").await.map(drop)
}

#[tokio::test]
async fn a_clock_that_was_ahead_leaves_no_certificate_of_the_future() {
    let data = folder();
    let authority = authority(&data);
    let serving = Serving::issued(authority.clone(), names()).unwrap();
    let now = Time::now();
    for ahead in [DAY * 90, YEAR, YEAR * 3] {
        let mut seen = Seen::default();
        let before = serving.end();
        serving.look(&mut seen, now.after(ahead));
        assert!(serving.end() > before, "{ahead:?}");
        // It is set right again.
        serving.look(&mut seen, now);
        is_good(&serving, &authority).await.unwrap();
    }
}

#[tokio::test]
async fn a_clock_that_was_behind_leaves_no_certificate_of_the_past() {
    let data = folder();
    let now = Time::now();
    let authority = authority(&data);
    let serving = Serving::issued(authority.clone(), names()).unwrap();
    serving.show_as_of(Time(DAY.as_micros() as i64)).unwrap();
    assert!(is_good(&serving, &authority).await.is_err());
    serving.look(&mut Seen::default(), now);
    is_good(&serving, &authority).await.unwrap();
}

#[tokio::test]
async fn an_authority_is_good_whenever_it_was_made() {
    let now = Time::now();
    for made in [Time(0), now.before(YEAR), now.after(YEAR * 30)] {
        let data = folder();
        let path = data.path().join("tls");
        let authority = Authority::open_at(&path, made).unwrap();
        assert!(authority.end() > now.after(YEAR * 5), "{made:?}");
        // The next start is at the right time.
        let authority = Authority::open(&path).unwrap();
        let serving = Serving::issued(authority.clone(), names()).unwrap();
        is_good(&serving, &authority).await.unwrap();
    }
}
