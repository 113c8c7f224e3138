/* `zherd check`: what a herd's file cannot show of a `web`: whose token it has, and who else can
 * read its secrets. Hosts have the files of what runs there; those that are not here are not looked
 * at. */
#include <string.h>
#include <unistd.h>

#include "topology/cli/zherd.h"
#include "topology/format/access.h"
#include "topology/monitor.h"
#include "topology/say.h"
#include "topology/secrets.h"

static bool is_private(const char *path)
{
    struct fault fault;
    return path[0] == '\0' || secrets_are_private(path, &fault) ||
           say_failure("%s %s", path, fault.text);
}

static bool is_good_token(const struct access *rules, const char *path, struct span token)
{
    const struct access_token *found = access_find_token(rules, token);
    if (found == NULL)
        return say_failure("%s holds the token of no person of the access rules", path);
    const struct access_person *person = &rules->persons[found->person];
    return access_is_everybody(person) ||
           say_failure("%s holds the token of %s, who may not be everybody; give that person "
                       "`be = *`",
                       path, person->name);
}

/* Whoever checks may not be who may read it. */
static bool has_good_token(const struct topology_web *web, const struct access *rules)
{
    char bytes[MONITOR_TOKEN_FILE_BYTES_MAX];
    struct span token;
    struct fault fault;
    const char *path = web->token_file;
    if (path[0] == '\0' || !is_private(path) || access(path, R_OK) != 0)
        return is_private(path);
    if (!monitor_token_read(path, bytes, &token, &fault))
        return say_failure("%s %s", path, fault.text);
    bool good = is_good_token(rules, path, token);
    explicit_bzero(bytes, sizeof bytes);
    return good;
}

bool check_webs(const struct topology *topology, const struct access *rules)
{
    bool good = true;
    for (size_t i = 0; i < topology->web_count; i++) {
        const struct topology_web *web = &topology->webs[i];
        good = is_private(web->certificate_key) && good;
        good = (rules == NULL ? is_private(web->token_file) : has_good_token(web, rules)) && good;
    }
    return good;
}
