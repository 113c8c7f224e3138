add_library(herd_sim STATIC sim/agenda.c sim/graphs.c sim/history.c sim/plan.c sim/records.c
    sim/road.c sim/sim.c sim/stories.c sim/watch.c)
target_link_libraries(herd_sim PUBLIC herd_core)

herd_test(sim/herd herd_sim herd_topology)
target_sources(test_sim_herd PRIVATE sim/report.c sim/shape.c)
herd_test(sim/graph herd_sim)
