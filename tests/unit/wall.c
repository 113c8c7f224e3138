/* wall: what is shown when the machine's clock goes on, is set, or stands aside; and the door. */
#include "gateway/text/wall.h"

#include "tests/check.h"

#define S         INT64_C(1000000000)
#define MS        INT64_C(1000000)
#define BOOT_NS   (77 * S)
#define WALL_NS   (1800000000 * S)
#define DAY_S     INT64_C(86400)
#define YEAR_S    (365 * DAY_S)
#define STEPS_MAX 4

/* A second goes by for each step; in it the machine's clock goes on by `goes_ns` and not by a
 * second. What is shown then, beyond what was shown before, and what is said of it. */
struct step {
    int64_t goes_ns, shown_ns, jump_ns;
};

static const struct {
    const char *sentence;
    struct step steps[STEPS_MAX];
} walks[] = {
    {"a clock that goes right", {{S, S, 0}, {S, S, 0}, {S, S, 0}, {S, S, 0}}},
    {"a little fast is followed at once", {{S + 5 * MS, S + 5 * MS, 0}, {S, S, 0}}},
    {"a second forward is a correction", {{2 * S, 2 * S, 0}, {S, S, 0}}},
    {"more is a jump", {{2 * S + 1, 2 * S + 1, S + 1}, {S, S, 0}}},
    {"a hundred years, too, there and back",
     {{S + 100 * YEAR_S * S, S + 100 * YEAR_S *S, 100 * YEAR_S *S},
      {S - 100 * YEAR_S * S, S - 100 * YEAR_S *S, -100 * YEAR_S *S},
      {S, S, 0}}},
    {"a little slow goes on from where it is", {{S - 5 * MS, S - 5 * MS, 0}, {S, S, 0}}},
    {"half a second back is half a second's pause", {{S / 2, S / 2, 0}, {S, S, 0}}},
    {"a second back is still waited for", {{0, 0, 0}, {S, S, 0}}},
    {"more is followed at once", {{-1, -1, -S - 1}, {S, S, 0}}},
    {"an hour back, then forward again",
     {{S - 3600 * S, S - 3600 * S, -3600 * S}, {S + 3600 * S, S + 3600 * S, 3600 * S}, {S, S, 0}}},
};

static void the_wall_follows_the_machine(void)
{
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        struct wall wall = {0};
        int64_t boottime_ns = BOOT_NS, machine_ns = WALL_NS, shown_ns = WALL_NS;
        int before = check_failures;
        CHECK_INT(wall_read(&wall, boottime_ns, machine_ns), 0);
        CHECK_INT(wall_show(&wall, boottime_ns), WALL_NS);
        for (size_t k = 0; k < STEPS_MAX; k++) {
            const struct step *step = &walks[i].steps[k];
            if (step->goes_ns == 0 && k > 0)
                break;
            boottime_ns += S;
            machine_ns += step->goes_ns;
            CHECK_INT(wall_read(&wall, boottime_ns, machine_ns), step->jump_ns);
            CHECK_INT(wall_show(&wall, boottime_ns) - shown_ns, step->shown_ns);
            shown_ns += step->shown_ns;
        }
        if (check_failures > before)
            printf("    in: %s\n", walks[i].sentence);
    }
}

/* Between two readings, where it was shown a second of which it learns later that it was too much.
 */
static void it_stands_still_for_a_small_step_back(void)
{
    struct wall wall = {0};
    wall_read(&wall, BOOT_NS, WALL_NS);
    CHECK_INT(wall_show(&wall, BOOT_NS + S), WALL_NS + S);
    CHECK_INT(wall_read(&wall, BOOT_NS + S, WALL_NS + S / 4), 0);
    CHECK_INT(wall_show(&wall, BOOT_NS + S), WALL_NS + S);
    CHECK_INT(wall_show(&wall, BOOT_NS + S + S * 3 / 4), WALL_NS + S);
    CHECK_INT(wall_show(&wall, BOOT_NS + S + S * 3 / 4 + 1), WALL_NS + S + 1);
}

/* Each time by less than a jump, and in all by more. */
static void many_small_steps_back_are_a_jump(void)
{
    struct wall wall = {0};
    wall_read(&wall, BOOT_NS, WALL_NS);
    CHECK_INT(wall_read(&wall, BOOT_NS, WALL_NS - S * 2 / 3), 0);
    CHECK_INT(wall_show(&wall, BOOT_NS), WALL_NS);
    CHECK_INT(wall_read(&wall, BOOT_NS, WALL_NS - S * 4 / 3), -S * 4 / 3);
    CHECK_INT(wall_show(&wall, BOOT_NS), WALL_NS - S * 4 / 3);
}

static void a_day_asleep_is_no_jump(void)
{
    struct wall wall = {0};
    wall_read(&wall, BOOT_NS, WALL_NS);
    CHECK_INT(wall_show(&wall, BOOT_NS + DAY_S * S), WALL_NS + DAY_S * S);
    CHECK_INT(wall_read(&wall, BOOT_NS + DAY_S * S, WALL_NS + DAY_S * S), 0);
}

static void the_door_opens(void)
{
    static const struct {
        size_t neighbours, heard;
        int64_t since_start_ms;
        bool is_open;
    } cases[] = {
        {0, 0, 0, true}, /* nobody to wait for */
        {1, 0, 0, false},
        {1, 1, 0, true},
        {2, 1, WALL_DOOR_MS - 1, false}, /* one is not enough */
        {2, 2, 1, true},
        {2, 0, WALL_DOOR_MS - 1, false},
        {2, 0, WALL_DOOR_MS, true}, /* nobody is waited for longer */
        {1024, 1023, WALL_DOOR_MS, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(wall_opens_door(cases[i].neighbours, cases[i].heard, cases[i].since_start_ms),
                  cases[i].is_open);
}

static const struct check_case cases[] = {
    {"what is shown follows the machine's clock, and never back by little",
     the_wall_follows_the_machine},
    {"it stands still for a small step back", it_stands_still_for_a_small_step_back},
    {"many small steps back are a jump", many_small_steps_back_are_a_jump},
    {"a day in which the machine was suspended is no jump", a_day_asleep_is_no_jump},
    {"the door opens once all neighbours said HELLO, or after 300 ms", the_door_opens},
};
CHECK_MAIN(cases)
