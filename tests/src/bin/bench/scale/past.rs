//! A million leases that are over.

use rusqlite::{Connection, types::Value};

use super::middle;
use crate::{
    Effort,
    hub::{Hub, Person},
    table::{Goal, Row, Table},
};

/// One of them, which the others are like.
pub(super) const OVER: &str = "over";
const PAST: i64 = 1_000_000;
/// One ended every so many microseconds.
const PAUSE: i64 = 60_000_000;

pub(super) async fn measure(hub: &mut Hub<'_>, person: &Person, effort: Effort, table: &mut Table) {
    hub.stop();
    write(&hub.database());
    let mut times = Vec::new();
    for _ in 0..effort.turns.min(5) {
        times.push(hub.run());
        person.renew();
        // It answers, and knows what is over.
        assert!(person.is_over(OVER).await);
        assert!(person.is_over("past-0000000").await);
        hub.stop();
    }
    let title = "start to ready, 1,000,000 leases of the past and 10,000 others";
    table.add(Row::ours(title, "ms", middle(times), Goal::AtMost(1000.0)));
}

/// Copies of a lease that the controller itself wrote down when it was over, spread over all exporters
/// and the last two years.
fn write(database: &std::path::Path) {
    let mut connection = Connection::open(database).unwrap();
    // Whoever pulls the plug now starts the measurement again.
    connection
        .pragma_update(None, "synchronous", "OFF")
        .unwrap();
    connection
        .execute_batch("CREATE TEMP TABLE some AS SELECT uid, name FROM exporters")
        .unwrap();
    let columns = columns(&connection);
    let value = |column: &String| match column.as_str() {
        // Any; the uid of a lease that is over means nothing.
        "uid" => {
            "printf('%08x-0000-4000-8000-%012x', n, abs(random()) % 0xffffffffffff)".to_owned()
        }
        "name" => "printf('past-%07d', n)".to_owned(),
        "exporter_uid" => "some.uid".to_owned(),
        "exporter_name" => "some.name".to_owned(),
        "began" | "ended" | "created" => {
            format!("coalesce(model.{column}, model.ended) - n * {PAUSE}")
        }
        other => format!("model.{other}"),
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    let sql = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {PAST})
         INSERT INTO leases ({}) SELECT {} FROM numbers
         JOIN some ON some.rowid = n % (SELECT count(*) FROM some) + 1
         JOIN (SELECT * FROM leases WHERE name = '{OVER}') AS model",
        columns.join(", "),
        values.join(", ")
    );
    let transaction = connection.transaction().unwrap();
    let written = transaction.execute(&sql, []).unwrap();
    assert_eq!(i64::try_from(written).unwrap(), PAST);
    transaction.commit().unwrap();
    let checkpoint = |row: &rusqlite::Row<'_>| row.get::<_, Value>(0);
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], checkpoint)
        .unwrap();
}

fn columns(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare("SELECT name FROM pragma_table_info('leases')")
        .unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}
