# zherd-bench, and what it is compared with. Figures never pass or fail by time; what is tested
# here is that the bench itself counts and checks as it says.
add_library(herd_bench STATIC bench/figures.c bench/histogram.c bench/sample.c bench/script.c
    bench/speech.c bench/speech_echo.c bench/speech_mqtt.c bench/speech_nats.c
    bench/speech_redis.c bench/speech_zherd.c bench/visible.c)
target_link_libraries(herd_bench PUBLIC herd_core)

add_executable(zherd-bench bench/bench.c bench/conn.c bench/converge.c bench/drive.c bench/idle.c
    bench/pair.c bench/process.c bench/propagate.c bench/push.c bench/run.c bench/steady.c
    bench/storm.c)
target_link_libraries(zherd-bench PRIVATE herd_bench)
install(TARGETS zherd-bench)

add_executable(zherd-echo bench/echo.c)
target_link_libraries(zherd-echo PRIVATE herd_core)

herd_test(unit/bench_figures herd_bench)
herd_test(unit/bench_speech herd_bench)
