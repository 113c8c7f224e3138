/* What OwnTracks is answered where there are access rules. */
#include "gateway/web/parse/iamat_line.h"
#include "gateway/web/server/http_state.h"
#include "gateway/web/show/friends.h"

void http_note_client(struct exchange *exchange)
{
    const struct upload *upload = &exchange->http->upload;
    struct span rest = {upload->lines.data, upload->lines.len};
    if (exchange->kind == UPLOAD_OWNTRACKS && exchange->http->gate.rules != NULL && rest.len > 0)
        buffer_append(&exchange->client, iamat_line_client(iamat_line_take(&rest)));
}

/* The rules may be others than those that took the upload. */
bool http_tell_friends(struct exchange *exchange)
{
    struct http *http = exchange->http;
    struct gate_request ask = http_ask_gate(exchange);
    const struct access_person *person;
    if (exchange->client.len == 0 || !herd_is_complete(http->herd) ||
        !gate_find(&http->gate, &ask, &person) || person == NULL)
        return false;
    struct sight sight = http_sight_of(http, person);
    friends_write(&http->friends, herd_flood(http->herd), herd_stream(http->herd), &sight,
                  person->name, (struct span){exchange->client.data, exchange->client.len},
                  &http->text);
    return true;
}
