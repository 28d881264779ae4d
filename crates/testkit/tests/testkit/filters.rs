#[test]
fn filters_take_out_what_differs_and_leave_what_matters() {
    let text = "2026-11-23 13:13:59,638 and 2026-11-23T13:14:00Z and 2026-11-23T13:14:00.123+01:00[Europe/Rome]\n\
                http://127.0.0.1:40123/v1/stories, localhost:8089\n\
                /tmp/.tmpAb12/run.squall\n\
                67e55044-10b1-426f-9247-bb680e5fe0c8\n\
                squall 0.1.0: p95 12 ms, 4321 requests";
    insta::with_settings!({ filters => squall_testkit::snapshot_filters() }, {
        insta::assert_snapshot!(text, @r"
        [time] and [time] and [time]
        http://127.0.0.1:[port]/v1/stories, localhost:[port]
        [dir]/run.squall
        [uuid]
        squall [version]: p95 12 ms, 4321 requests
        ");
    });
}
