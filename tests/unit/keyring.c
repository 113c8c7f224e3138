#include "bus/link/keyring.h"
#include "tests/check.h"

/* The example of Z85's specification, 8 bytes, five times. */
#define GOOD_KEY "HelloWorldHelloWorldHelloWorldHelloWorld"

static void keys_are_z85_of_32_bytes(void)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {GOOD_KEY, true},
        {"0000000000000000000000000000000000000000", false}, /* whose secret is anybody's */
        {"0000000000000000000000000000000000000001", true},
        {"000000000000000000000000000000000000001H", false},
        {"0rr9100000000000000000000000000000000000", false},
        {"&oLYpj3*xV7foF([T):m*6J=8OhdwFHggr4uRd:c", false},
        {"u.0y]QFM){VcY:QOp*om1vMIksr9uQ/DK8D^4p{4", false},
        {")eNa=%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSaG", false},
        {")F)j^%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0", false},
        {")/is!%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSaG", false},
        {"0SSjz00000000000000000000000000000000000", true},
        {"%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0", true},  /* 2^32 - 1, eight times */
        {"%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc1", false}, /* and one more */
        {"#####00000000000000000000000000000000000", false},
        {".-:+=^!/*?&<>()[]{}@%$#.-:+=^!/*?&<>()[]", false},
        {"0.-:+0=^!/0*?&<0>()[0]{}@0%$#00.-:+0=^!/", true},
        {"HelloWorldHelloWorldHelloWorldHelloWorl\"", false},
        {"HelloWorldHelloWorldHelloWorldHello World", false},
        {"HelloWorldHelloWorldHelloWorldHelloWor d", false},
        {"HelloWorldHelloWorldHelloWorldHelloWor\xc3\xa9", false},
        {"HelloWorldHelloWorldHelloWorldHelloWorldH", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t bytes = strlen(rows[i].text);
        struct span text = {check_at_page_end(rows[i].text, bytes), bytes};
        if (keyring_key_is_valid(text) != rows[i].good)
            printf("    %s\n", rows[i].text);
        CHECK_INT(keyring_key_is_valid(text), rows[i].good);
    }
}

static void no_part_of_a_key_is_one(void)
{
    for (size_t bytes = 0; bytes < KEYRING_KEY_BYTES; bytes++)
        CHECK(!keyring_key_is_valid((struct span){check_at_page_end(GOOD_KEY, bytes), bytes}));
    CHECK(!keyring_key_is_valid((struct span){"HelloWorldHelloWorldHelloWorldHelloWor\0d", 40}));
}

static struct keyring_keys two_keys(const char *first, const char *second)
{
    struct keyring_keys keys;
    snprintf(keys.text[0], sizeof keys.text[0], "%s", first);
    snprintf(keys.text[1], sizeof keys.text[1], "%s", second);
    return keys;
}

static void a_ring_knows_whose_key_it_is(void)
{
    struct keyring ring = {0};
    struct keyring_keys alford = two_keys("k5", "k1"), ball = two_keys("k3", "");
    CHECK(keyring_find(&ring, "k5") == NULL);
    keyring_add(&ring, &alford, "Alford");
    keyring_add(&ring, &ball, "Ball");
    CHECK(strcmp(keyring_find(&ring, "k5"), "Alford") == 0);
    CHECK(strcmp(keyring_find(&ring, "k1"), "Alford") == 0);
    CHECK(strcmp(keyring_find(&ring, "k3"), "Ball") == 0);
    CHECK(keyring_find(&ring, "k") == NULL && keyring_find(&ring, "k2") == NULL);
    CHECK(keyring_find(&ring, "k4") == NULL && keyring_find(&ring, "k6") == NULL);
    CHECK(keyring_find(&ring, "") == NULL && keyring_find(&ring, NULL) == NULL);
    keyring_free(&ring);
    CHECK(ring.count == 0 && keyring_find(&ring, "k5") == NULL);
}

static void a_key_is_one_names(void)
{
    struct keyring ring = {0};
    struct keyring_keys alford = two_keys("k1", ""), ball = two_keys("k1", "k2");
    keyring_add(&ring, &alford, "Alford");
    keyring_add(&ring, &ball, "Ball");
    CHECK_INT(ring.count, 2);
    CHECK(strcmp(keyring_find(&ring, "k1"), "Alford") == 0);
    keyring_free(&ring);
}

static void a_ring_takes_a_whole_herd(void)
{
    static const unsigned count = 1024;
    struct keyring ring = {0};
    char name[16], key[KEYRING_KEY_BYTES + 1];
    for (unsigned i = 0; i < count; i++) {
        unsigned number = i * 619 % count; /* in no order */
        struct keyring_keys keys = {0};
        snprintf(keys.text[0], sizeof keys.text[0], "a%08u", number);
        snprintf(keys.text[1], sizeof keys.text[1], "b%08u", number);
        snprintf(name, sizeof name, "n%u", number);
        keyring_add(&ring, &keys, name);
    }
    CHECK_INT(ring.count, 2 * count);
    for (unsigned i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%c%08u", i % 2 == 0 ? 'a' : 'b', i);
        snprintf(name, sizeof name, "n%u", i);
        const char *found = keyring_find(&ring, key);
        CHECK(found != NULL && strcmp(found, name) == 0);
    }
    keyring_free(&ring);
}

static void lists_are_walked_and_compared(void)
{
    struct keyring_keys one = two_keys("k1", ""), two = two_keys("k1", "k2"), none = {0};
    CHECK_INT(keyring_keys_find(&two, "k1"), 0);
    CHECK_INT(keyring_keys_find(&two, "k2"), 1);
    CHECK_INT(keyring_keys_find(&two, "k3"), KEYRING_KEYS_MAX);
    CHECK_INT(keyring_keys_next(&two, 0), 1);
    CHECK_INT(keyring_keys_next(&two, 1), 0);
    CHECK_INT(keyring_keys_next(&one, 0), 0);
    CHECK_INT(keyring_keys_next(&none, 0), 0);
    CHECK(keyring_keys_equal(&two, &two) && !keyring_keys_equal(&one, &two));
}

static const struct check_case cases[] = {
    {"a key is 40 letters of Z85 that stand for 32 bytes", keys_are_z85_of_32_bytes},
    {"no part of a key is one", no_part_of_a_key_is_one},
    {"a ring knows whose key it is", a_ring_knows_whose_key_it_is},
    {"a key is one name's: the first one's", a_key_is_one_names},
    {"a ring takes two keys of each node of the largest herd", a_ring_takes_a_whole_herd},
    {"lists are walked and compared", lists_are_walked_and_compared},
};

CHECK_MAIN(cases)
