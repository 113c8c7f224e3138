/* status_json: what is written is JSON in its one form, whatever the texts and numbers are. */
#include "topology/format/status_json.h"

#include <jansson.h>
#include <stdlib.h>

#include "tests/check.h"

static struct buffer page;

static void each_value_has_its_form(void)
{
    static const char wanted[] = "{\n"
                                 "  \"text\": \"a\\\"b\\\\c?d\",\n"
                                 "  \"none\": null,\n"
                                 "  \"list\": [\n"
                                 "    1,\n"
                                 "    {},\n"
                                 "    {\n"
                                 "      \"deep\": []\n"
                                 "    },\n"
                                 "    -9223372036854775808\n"
                                 "  ],\n"
                                 "  \"most\": 9223372036854775807,\n"
                                 "  \"zero\": 0,\n"
                                 "  \"budget\": null,\n"
                                 "  \"never\": null,\n"
                                 "  \"age\": 12,\n"
                                 "  \"hex\": \"00000000000000ff\",\n"
                                 "  \"yes\": true,\n"
                                 "  \"no\": false\n"
                                 "}\n";
    page.len = 0;
    struct status_json json = status_json_begin(&page);
    status_json_text(&json, "text",
                     span_of("a\"b\\c\x80"
                             "d"));
    status_json_text_or_null(&json, "none", span_of(""));
    status_json_array(&json, "list");
    status_json_count(&json, NULL, 1);
    status_json_object(&json, NULL);
    status_json_close(&json);
    status_json_object(&json, NULL);
    status_json_array(&json, "deep");
    status_json_close(&json);
    status_json_close(&json);
    status_json_integer(&json, NULL, INT64_MIN);
    status_json_close(&json);
    status_json_count(&json, "most", UINT64_MAX);
    status_json_count(&json, "zero", 0);
    status_json_count_or_null(&json, "budget", 0);
    status_json_age(&json, "never", WIRE_NEVER);
    status_json_age(&json, "age", 12);
    status_json_hex(&json, "hex", 255);
    status_json_flag(&json, "yes", true);
    status_json_flag(&json, "no", false);
    status_json_end(&json);
    CHECK_BYTES(page.data, page.len, wanted, sizeof wanted - 1);
}

/* Another writer of JSON would write the same. */
static void it_is_as_a_library_writes_it(void)
{
    json_t *whole = json_loadb(page.data, page.len, 0, NULL);
    char *text = json_dumps(whole, JSON_INDENT(2));
    CHECK(text != NULL);
    CHECK_BYTES(page.data, page.len - 1, text, strlen(text));
    free(text);
    json_decref(whole);
}

static void each_byte_and_each_length_is_a_text(void)
{
    char bytes[600];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    for (size_t count = 0; count <= sizeof bytes; count++) {
        page.len = 0;
        struct status_json json = status_json_begin(&page);
        status_json_text(&json, "key", (struct span){bytes, count});
        status_json_end(&json);
        json_t *whole = json_loadb(page.data, page.len, 0, NULL);
        CHECK_INT(json_string_length(json_object_get(whole, "key")), count < 512 ? count : 512);
        json_decref(whole);
    }
}

static const struct check_case cases[] = {
    {"each value has its form", each_value_has_its_form},
    {"it is as a library writes it", it_is_as_a_library_writes_it},
    {"each byte and each length is a text", each_byte_and_each_length_is_a_text},
};

CHECK_MAIN(cases)
