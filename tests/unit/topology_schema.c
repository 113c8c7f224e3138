/* The table of keys: each row is one that can be read, shown and compared. */
#include "tests/check.h"
#include "topology/format/schema.h"
#include "topology/format/topology.h"

/* Room for the field of any kind. */
static max_align_t field[8192 / sizeof(max_align_t)];
static struct topology_faults faults;

static bool reads(const struct topology_key *key, const char *value)
{
    memset(field, 0, sizeof field);
    faults = (struct topology_faults){0};
    key->kind->read(key, 7, value, field, &faults);
    return faults.count == 0;
}

static void check_row(const struct topology_schema *schema, size_t number)
{
    const struct topology_key *key = &schema->keys[number];
    if (key->field_bytes != key->kind->field_bytes)
        printf("    %s of %s has %zu bytes, its kind %zu\n", key->name, schema->name,
               key->field_bytes, key->kind->field_bytes);
    CHECK_INT(key->field_bytes, key->kind->field_bytes);
    CHECK(key->kind->field_bytes <= sizeof field);
    CHECK_INT(key->kind->read != NULL, key->kind->field_bytes > 0);
    CHECK_INT(key->kind->same != NULL, key->kind->read != NULL);
    CHECK(key->meaning != NULL && key->meaning[0] != '\0' && key->example != NULL);
    CHECK(key->optional || (key->otherwise == NULL && key->as == NULL));
    if (key->otherwise)
        CHECK(reads(key, key->otherwise));
    /* The example of a public key stands for one. */
    if (key->kind->read && strcmp(key->example, "\"KEY\"") != 0)
        CHECK(reads(key, key->example));
    for (size_t i = 0; i < number; i++)
        CHECK(strcmp(schema->keys[i].name, key->name) != 0);
}

static void every_row_is_whole(void)
{
    for (size_t i = 0; i < SECTION_KINDS; i++) {
        const struct topology_schema *schema = &topology_schemas[i];
        CHECK(schema->count > 0 && schema->count <= TOPOLOGY_KEYS_MAX);
        for (size_t number = 0; number < schema->count; number++)
            check_row(schema, number);
    }
}

static void what_stands_for_another_key_stands_after_it(void)
{
    for (size_t i = 0; i < SECTION_KINDS; i++) {
        const struct topology_schema *schema = &topology_schemas[i];
        for (size_t number = 0; number < schema->count; number++) {
            const struct topology_key *key = &schema->keys[number];
            if (!key->as)
                continue;
            size_t as = topology_schema_find((enum topology_section_kind)i, key->as);
            CHECK(as < number && schema->keys[as].kind == key->kind);
        }
    }
}

static void numbers_end_at_their_limits(void)
{
    for (size_t i = 0; i < SECTION_KINDS; i++) {
        const struct topology_schema *schema = &topology_schemas[i];
        for (size_t number = 0; number < schema->count; number++) {
            const struct topology_key *key = &schema->keys[number];
            if (strcmp(key->kind->name, "number") != 0)
                continue;
            for (int64_t past = 0; past <= 1; past++) {
                char text[32];
                snprintf(text, sizeof text, "%lld", (long long)(key->max + past));
                CHECK_INT(reads(key, text), past == 0);
                snprintf(text, sizeof text, "%lld", (long long)(key->min - past));
                CHECK_INT(reads(key, text), past == 0);
            }
        }
    }
}

static void a_number_is_digits_only(void)
{
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "1e1", "1.", "1/", "1:", "99999999999999999999999999"};
    size_t number = topology_schema_find(SECTION_PLACES, "budget");
    const struct topology_key *key = &topology_schemas[SECTION_PLACES].keys[number];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!reads(key, bad[i]));
    CHECK(reads(key, "007"));
    int64_t value;
    memcpy(&value, field, sizeof value);
    CHECK_INT(value, 7);
}

static void the_sections_are_listed(void)
{
    char text[TOPOLOGY_LIMITS_BYTES_MAX];
    topology_schema_list_sections(text);
    CHECK(strcmp(text, "herd, node, link, observer, operator, web or places") == 0);
}

static const struct check_case cases[] = {
    {"every row is whole", every_row_is_whole},
    {"what stands for another key stands after it", what_stands_for_another_key_stands_after_it},
    {"numbers end at their limits", numbers_end_at_their_limits},
    {"a number is digits only", a_number_is_digits_only},
    {"the sections are listed", the_sections_are_listed},
};

CHECK_MAIN(cases)
