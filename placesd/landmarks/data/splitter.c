#include "placesd/landmarks/data/splitter.h"

#include <assert.h>

#define RS '\x1e'

static const char wanted_name[] = "features";
#define WANTED_NAME_BYTES (sizeof wanted_name - 1)

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* One byte of JSON: keeps count of strings and brackets. */
static void track(struct splitter *splitter, char byte)
{
    if (splitter->escaped) {
        splitter->escaped = false;
    } else if (splitter->in_string) {
        splitter->escaped = byte == '\\';
        splitter->in_string = byte != '"';
    } else if (byte == '"') {
        splitter->in_string = true;
    } else if (byte == '{' || byte == '[') {
        splitter->depth++;
    } else if ((byte == '}' || byte == ']') && splitter->depth > 0) {
        splitter->depth--;
    }
}

static void keep(struct splitter *splitter, struct span bytes)
{
    if (splitter->too_long)
        return;
    if (splitter->record.len + bytes.len > SPLITTER_RECORD_BYTES_MAX) {
        splitter->too_long = true;
        splitter->record.len = 0;
        return;
    }
    buffer_append(&splitter->record, bytes);
}

static void forget(struct splitter *splitter)
{
    splitter->record.len = 0;
    splitter->too_long = false;
    splitter->given_out = false;
    splitter->depth = 0;
    splitter->in_string = splitter->escaped = false;
    splitter->member = SPLITTER_MEMBER_OTHER;
}

/* The record is complete; `state` is what follows it. Blank ones are passed over. */
static enum splitter_kind give_out(struct splitter *splitter, enum splitter_state state,
                                   struct span *record)
{
    splitter->state = state;
    splitter->given_out = true;
    *record = (struct span){splitter->record.data, splitter->record.len};
    if (splitter->too_long)
        return SPLITTER_TOO_LONG;
    for (size_t i = 0; i < record->len; i++) {
        if (!is_blank(record->data[i]))
            return SPLITTER_RECORD;
    }
    return SPLITTER_NONE;
}

static enum splitter_state state_around(const struct splitter *splitter)
{
    return splitter->in_array ? SPLITTER_BETWEEN : SPLITTER_OUTSIDE;
}

/* A new object of the stream, or a new record of the array. */
static void begin(struct splitter *splitter)
{
    forget(splitter);
    splitter->state = splitter->in_array ? SPLITTER_FEATURE : SPLITTER_TEXT;
}

/* Watches the names in the outermost object, before `byte` is tracked; true when `byte` opens the
 * array of features. */
static bool opens_features(struct splitter *splitter, char byte)
{
    if (splitter->depth != 1)
        return false;
    if (splitter->in_string) {
        bool is_end = byte == '"' && !splitter->escaped;
        if (!is_end) {
            splitter->name_matches = splitter->name_matches &&
                                     splitter->name_bytes < WANTED_NAME_BYTES &&
                                     byte == wanted_name[splitter->name_bytes];
            splitter->name_bytes++;
        } else if (splitter->name_matches && splitter->name_bytes == WANTED_NAME_BYTES) {
            splitter->member = SPLITTER_MEMBER_NAME;
        }
        return false;
    }
    if (is_blank(byte))
        return false;
    bool opens = byte == '[' && splitter->member == SPLITTER_MEMBER_FEATURES;
    splitter->member = byte == ':' && splitter->member == SPLITTER_MEMBER_NAME
                           ? SPLITTER_MEMBER_FEATURES
                           : SPLITTER_MEMBER_OTHER;
    splitter->name_bytes = 0;
    splitter->name_matches = true;
    return opens;
}

/* Between records: what does the next byte begin? */
static void look(struct splitter *splitter, char byte)
{
    if (byte == '{') {
        begin(splitter);
    } else if (splitter->in_array && byte == ']') {
        forget(splitter);
        splitter->state = SPLITTER_TAIL;
        splitter->depth = 1;
        splitter->array_open = false;
    } else if (!splitter->in_array && byte == RS) {
        forget(splitter);
        splitter->state = SPLITTER_SEQUENCE;
    } else if (!is_blank(byte) && !(splitter->in_array && byte == ',')) {
        forget(splitter);
        splitter->state = SPLITTER_STRAY;
    }
}

static bool ends_stray(const struct splitter *splitter, char byte)
{
    return byte == '\n' || byte == '{' ||
           (splitter->in_array ? byte == ',' || byte == ']' : byte == RS);
}

/* Scans bytes up to the end of what is open. True when that is a record, which then waits in the
 * buffer; the byte that begins the next record is left for the next call. */
static bool scan(struct splitter *splitter)
{
    const char *from = splitter->at;
    enum splitter_state state = splitter->state;
    for (; splitter->at < splitter->end; splitter->at++) {
        char byte = *splitter->at;
        bool begins_line = splitter->last == '\n' && byte == '{';
        if (begins_line || (state == SPLITTER_STRAY && ends_stray(splitter, byte))) {
            keep(splitter, (struct span){from, (size_t)(splitter->at - from)});
            splitter->last = '\0';
            return true;
        }
        splitter->last = byte;
        bool opens = state == SPLITTER_TEXT && opens_features(splitter, byte);
        track(splitter, byte);
        if (opens) {
            splitter->at++;
            splitter->in_array = splitter->array_open = true;
            forget(splitter);
            splitter->state = SPLITTER_BETWEEN;
            return false;
        }
        if (splitter->depth == 0 && state != SPLITTER_STRAY) {
            splitter->at++;
            keep(splitter, (struct span){from, (size_t)(splitter->at - from)});
            splitter->in_array = splitter->in_array && state != SPLITTER_TAIL;
            return true;
        }
    }
    keep(splitter, (struct span){from, (size_t)(splitter->at - from)});
    return false;
}

/* Scans up to the next RS; true when it was found, and is consumed. */
static bool scan_sequence(struct splitter *splitter)
{
    size_t waiting = (size_t)(splitter->end - splitter->at);
    const char *rs = memchr(splitter->at, RS, waiting);
    size_t taken = rs == NULL ? waiting : (size_t)(rs - splitter->at);
    keep(splitter, (struct span){splitter->at, taken});
    if (taken > 0)
        splitter->last = splitter->at[taken - 1];
    splitter->at += taken + (rs != NULL);
    return rs != NULL;
}

/* True if the waiting record closes every bracket and string that it opens. Counted here:
 * scan_sequence does not track them. */
static bool is_complete(const struct splitter *splitter)
{
    struct splitter counter = {.state = SPLITTER_FEATURE};
    for (size_t i = 0; i < splitter->record.len; i++)
        track(&counter, splitter->record.data[i]);
    return counter.depth == 0 && !counter.in_string && !splitter->too_long;
}

/* What is open at the end of the stream. */
static enum splitter_kind finish(struct splitter *splitter, struct span *record)
{
    bool has_record = splitter->state == SPLITTER_TEXT || splitter->state == SPLITTER_FEATURE ||
                      splitter->state == SPLITTER_STRAY || splitter->state == SPLITTER_SEQUENCE;
    splitter->cut = splitter->cut || splitter->array_open ||
                    (has_record && splitter->last != '\n' && !is_complete(splitter));
    splitter->in_array = false;
    if (!has_record) {
        splitter->state = SPLITTER_OUTSIDE;
        return SPLITTER_NONE;
    }
    return give_out(splitter, SPLITTER_OUTSIDE, record);
}

void splitter_feed(struct splitter *splitter, struct span bytes)
{
    assert(!splitter->ended && splitter->at == splitter->end);
    splitter->at = bytes.data;
    splitter->end = bytes.data + bytes.len;
}

void splitter_end(struct splitter *splitter)
{
    splitter->ended = true;
}

enum splitter_kind splitter_next(struct splitter *splitter, struct span *record)
{
    if (splitter->given_out)
        forget(splitter);
    while (splitter->at < splitter->end) {
        enum splitter_kind kind = SPLITTER_NONE;
        switch (splitter->state) {
        case SPLITTER_OUTSIDE:
        case SPLITTER_BETWEEN:
            look(splitter, *splitter->at);
            if (splitter->state == SPLITTER_OUTSIDE || splitter->state == SPLITTER_BETWEEN ||
                splitter->state == SPLITTER_TAIL || splitter->state == SPLITTER_SEQUENCE)
                splitter->last = *splitter->at++;
            else
                splitter->last = '\0'; /* its own first byte does not end it */
            break;
        case SPLITTER_SEQUENCE:
            if (scan_sequence(splitter))
                kind = give_out(splitter, SPLITTER_SEQUENCE, record);
            break;
        case SPLITTER_TAIL:
            if (scan(splitter))
                splitter->state = state_around(splitter);
            splitter->record.len = 0;
            break;
        default:
            if (scan(splitter))
                kind = give_out(splitter, state_around(splitter), record);
        }
        if (kind != SPLITTER_NONE)
            return kind;
        if (splitter->given_out)
            forget(splitter);
    }
    return splitter->ended ? finish(splitter, record) : SPLITTER_NONE;
}

bool splitter_is_cut(const struct splitter *splitter)
{
    return splitter->cut;
}

void splitter_free(struct splitter *splitter)
{
    buffer_free(&splitter->record);
}
