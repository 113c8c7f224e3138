/* Who speaks over a connection to the places service, as its routing id says. */
#include "placesd/caller.h"

#include "tests/check.h"

static void names_are_written_and_read(void)
{
    static const struct {
        struct caller caller;
        const char *name;
    } rows[] = {
        {{CALLER_WORKER, 0x0123456789abcdef, 0}, "worker-0123456789abcdef.0"},
        {{CALLER_GATEWAY, 0xffffffffffffffff, UINT32_MAX}, "gateway-ffffffffffffffff.4294967295"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[CALLER_NAME_BYTES_MAX];
        struct caller read;
        CHECK_INT(caller_write(&rows[i].caller, name), strlen(rows[i].name));
        CHECK(strcmp(name, rows[i].name) == 0);
        CHECK(caller_read(span_of(name), &read));
        CHECK(read.kind == rows[i].caller.kind && read.life == rows[i].caller.life &&
              read.number == rows[i].caller.number);
    }
}

static void other_names_are_nobodys(void)
{
    static const char *const names[] = {
        "",
        "worker",
        "worker-",
        "worker-0123456789abcdef",
        "worker-0123456789abcdef.",
        "worker-0123456789abcdef.x",
        "worker-0123456789abcdef.-1",
        "worker-0123456789abcdef.1 ",
        "worker-0123456789abcdef.4294967296",
        "worker-0123456789abcdef.00000000001",
        "worker-0123456789abcdeF.1",
        "worker-0123456789abcde.11",
        "worker-0123456789abcdef01.1",
        "Worker-0123456789abcdef.1",
        "host.example.org.1",
        "worker-7.1",
    };
    struct caller caller;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(!caller_read(span_of(names[i]), &caller));
    CHECK(!caller_read((struct span){"\0\1\2\3\4", 5}, &caller)); /* as ZeroMQ draws them */
}

static void a_life_is_known_by_its_number(void)
{
    static const struct {
        const char *name;
        enum caller_kind kind;
        uint64_t life;
        bool is;
    } rows[] = {
        {"worker-00000000000000ff.0", CALLER_WORKER, 0xff, true},
        {"worker-00000000000000ff.17", CALLER_WORKER, 0xff, true},
        {"worker-00000000000000fe.0", CALLER_WORKER, 0xff, false},
        {"gateway-00000000000000ff.0", CALLER_WORKER, 0xff, false},
        {"worker-00000000000000ff", CALLER_WORKER, 0xff, false},
        {"worker-0000000000000000.0", CALLER_WORKER, 0, false}, /* no life is known */
        {"", CALLER_WORKER, 0xff, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(caller_is_of(span_of(rows[i].name), rows[i].kind, rows[i].life), rows[i].is);
}

static const struct check_case cases[] = {
    {"names are written and read", names_are_written_and_read},
    {"other names are nobody's", other_names_are_nobodys},
    {"a life is known by its number", a_life_is_known_by_its_number},
};

CHECK_MAIN(cases)
