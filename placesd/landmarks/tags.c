#include "placesd/landmarks/tags.h"

#include <stdio.h>
#include <string.h>

/* A tag without a value stands for every other value of the key. Rows of a key stand together,
 * and the more telling keys first: their types come first too. */
struct tag {
    const char *key;
    const char *value;
    const char *types;
    uint32_t rank;
};

static const struct tag table[] = {
    {"place", "city", "locality,political", 40},
    {"place", "town", "locality,political", 30},
    {"place", "village", "locality,political", 20},
    {"place", "hamlet", "locality,political", 10},
    {"place", "borough", "sublocality,political", 22},
    {"place", "suburb", "sublocality,political", 20},
    {"place", "quarter", "neighborhood,political", 16},
    {"place", "neighbourhood", "neighborhood,political", 12},
    {"place", "square", "point_of_interest", 22},
    {"place", "island", "natural_feature", 22},
    {"place", "islet", "natural_feature", 6},
    {"tourism", "museum", "museum", 35},
    {"tourism", "zoo", "zoo", 40},
    {"tourism", "aquarium", "aquarium", 38},
    {"tourism", "theme_park", "amusement_park", 40},
    {"tourism", "attraction", "tourist_attraction", 34},
    {"tourism", "gallery", "art_gallery", 25},
    {"tourism", "viewpoint", "tourist_attraction", 18},
    {"tourism", "artwork", "tourist_attraction", 10},
    {"tourism", "hotel", "lodging", 18},
    {"tourism", "hostel", "lodging", 14},
    {"tourism", "motel", "lodging", 12},
    {"tourism", "guest_house", "lodging", 10},
    {"tourism", "apartment", "lodging", 6},
    {"tourism", "chalet", "lodging", 6},
    {"tourism", "alpine_hut", "lodging", 16},
    {"tourism", "camp_site", "campground", 14},
    {"tourism", "caravan_site", "rv_park", 12},
    {"historic", "castle", "tourist_attraction", 32},
    {"historic", "monument", "tourist_attraction", 32},
    {"historic", "fort", "tourist_attraction", 28},
    {"historic", "archaeological_site", "tourist_attraction", 26},
    {"historic", "ruins", "tourist_attraction", 24},
    {"historic", "memorial", "tourist_attraction", 12},
    {"historic", NULL, "tourist_attraction", 16},
    {"aeroway", "aerodrome", "airport", 36},
    {"aeroway", "terminal", "airport", 18},
    {"station", "subway", "subway_station,transit_station", 22},
    {"railway", "station", "train_station,transit_station", 26},
    {"railway", "halt", "train_station,transit_station", 14},
    {"amenity", "university", "university", 36},
    {"amenity", "college", "university", 24},
    {"amenity", "hospital", "hospital,health", 28},
    {"amenity", "theatre", "point_of_interest", 28},
    {"amenity", "cinema", "movie_theater", 22},
    {"amenity", "arts_centre", "art_gallery", 22},
    {"amenity", "library", "library", 22},
    {"amenity", "townhall", "city_hall,local_government_office", 22},
    {"amenity", "courthouse", "courthouse", 18},
    {"amenity", "embassy", "embassy", 16},
    {"amenity", "place_of_worship", "place_of_worship", 20},
    {"amenity", "marketplace", "point_of_interest", 20},
    {"amenity", "casino", "casino", 20},
    {"amenity", "nightclub", "night_club,bar", 14},
    {"amenity", "restaurant", "restaurant,food", 12},
    {"amenity", "fast_food", "meal_takeaway,restaurant,food", 9},
    {"amenity", "cafe", "cafe,food", 11},
    {"amenity", "ice_cream", "food,store", 8},
    {"amenity", "bar", "bar", 11},
    {"amenity", "pub", "bar", 12},
    {"amenity", "biergarten", "bar,food", 13},
    {"amenity", "school", "school", 12},
    {"amenity", "kindergarten", "school", 6},
    {"amenity", "police", "police", 12},
    {"amenity", "fire_station", "fire_station", 10},
    {"amenity", "post_office", "post_office,finance", 10},
    {"amenity", "bank", "bank,finance", 9},
    {"amenity", "atm", "atm,finance", 3},
    {"amenity", "pharmacy", "pharmacy,store,health", 9},
    {"amenity", "clinic", "doctor,health", 10},
    {"amenity", "doctors", "doctor,health", 7},
    {"amenity", "dentist", "dentist,health", 6},
    {"amenity", "veterinary", "veterinary_care", 6},
    {"amenity", "fuel", "gas_station", 8},
    {"amenity", "car_wash", "car_wash", 5},
    {"amenity", "car_rental", "car_rental", 6},
    {"amenity", "parking", "parking", 4},
    {"amenity", "taxi", "taxi_stand", 4},
    {"amenity", "bus_station", "bus_station,transit_station", 18},
    {"amenity", "ferry_terminal", "transit_station", 16},
    {"amenity", "grave_yard", "cemetery", 12},
    {"amenity", NULL, "point_of_interest", 5},
    {"leisure", "stadium", "stadium", 32},
    {"leisure", "park", "park", 22},
    {"leisure", "nature_reserve", "park", 24},
    {"leisure", "garden", "park", 16},
    {"leisure", "water_park", "amusement_park", 26},
    {"leisure", "golf_course", "point_of_interest", 14},
    {"leisure", "marina", "point_of_interest", 14},
    {"leisure", "bowling_alley", "bowling_alley", 12},
    {"leisure", "fitness_centre", "gym", 8},
    {"leisure", "sports_centre", "gym", 12},
    {"leisure", "playground", "park", 5},
    {"natural", "peak", "natural_feature", 18},
    {"natural", "volcano", "natural_feature", 28},
    {"natural", "beach", "natural_feature", 20},
    {"natural", "cape", "natural_feature", 14},
    {"natural", "bay", "natural_feature", 14},
    {"natural", "glacier", "natural_feature", 18},
    {"natural", "water", "natural_feature", 16},
    {"natural", "cave_entrance", "natural_feature", 14},
    {"waterway", "waterfall", "natural_feature", 20},
    {"landuse", "cemetery", "cemetery", 14},
    {"man_made", "lighthouse", "tourist_attraction", 22},
    {"man_made", "tower", "point_of_interest", 14},
    {"man_made", "bridge", "point_of_interest", 16},
    {"shop", "mall", "shopping_mall", 24},
    {"shop", "department_store", "department_store,store", 18},
    {"shop", "supermarket", "supermarket,grocery_or_supermarket,store,food", 12},
    {"shop", "convenience", "convenience_store,store,food", 7},
    {"shop", "bakery", "bakery,store,food", 8},
    {"shop", "butcher", "store,food", 7},
    {"shop", "books", "book_store,store", 11},
    {"shop", "clothes", "clothing_store,store", 8},
    {"shop", "shoes", "shoe_store,store", 7},
    {"shop", "electronics", "electronics_store,store", 9},
    {"shop", "computer", "electronics_store,store", 7},
    {"shop", "furniture", "furniture_store,home_goods_store,store", 8},
    {"shop", "doityourself", "hardware_store,store", 9},
    {"shop", "hardware", "hardware_store,store", 7},
    {"shop", "florist", "florist,store", 6},
    {"shop", "jewelry", "jewelry_store,store", 6},
    {"shop", "hairdresser", "hair_care", 5},
    {"shop", "beauty", "beauty_salon", 5},
    {"shop", "car", "car_dealer,store", 7},
    {"shop", "car_repair", "car_repair", 6},
    {"shop", "bicycle", "bicycle_store,store", 8},
    {"shop", "pet", "pet_store,store", 6},
    {"shop", "alcohol", "liquor_store,store", 7},
    {"shop", "wine", "liquor_store,store", 7},
    {"shop", "laundry", "laundry", 4},
    {"shop", "dry_cleaning", "laundry", 4},
    {"shop", "locksmith", "locksmith", 5},
    {"shop", "travel_agency", "travel_agency", 5},
    {"shop", "vacant", "", 0},
    {"shop", NULL, "store", 6},
    {"healthcare", "physiotherapist", "physiotherapist,health", 6},
    {"healthcare", NULL, "health", 6},
    {"office", "government", "local_government_office", 10},
    {"office", "diplomatic", "embassy", 16},
    {"office", "lawyer", "lawyer", 5},
    {"office", "estate_agent", "real_estate_agency", 5},
    {"office", "insurance", "insurance_agency,finance", 5},
    {"office", "accountant", "accounting,finance", 5},
    {"office", NULL, "point_of_interest", 5},
    {"craft", "electrician", "electrician", 4},
    {"craft", "plumber", "plumber", 4},
    {"craft", "painter", "painter", 4},
    {"craft", "roofer", "roofing_contractor", 4},
    {"craft", NULL, "point_of_interest", 5},
    {"building", NULL, "point_of_interest", 8},
};

/* The building of a faith, in front of "place_of_worship". */
static const struct {
    const char *religion;
    const char *type;
} faiths[] = {
    {"christian", "church"},
    {"muslim", "mosque"},
    {"jewish", "synagogue"},
    {"hindu", "hindu_temple"},
};

/* What makes a place better known than others of its kind. */
#define ENCYCLOPEDIA_RANK 15 /* for each of wikipedia and wikidata */
#define HERITAGE_RANK     10
#define TAGS_PER_RANK     4 /* who is known is described */
#define TAGS_RANK_MAX     10
#define DIGIT_RANK        3 /* for each digit of a population */
#define DIGITS_MAX        10

static const char *find_tag(const json_t *tags, const char *key)
{
    const char *value = json_string_value(json_object_get(tags, key));
    return value == NULL || value[0] == '\0' ? NULL : value;
}

void tags_copy(const char *text, char *out, size_t bytes_max)
{
    size_t bytes = strnlen(text, bytes_max + 1);
    if (bytes > bytes_max) {
        bytes = bytes_max;
        while (bytes > 0 && ((unsigned char)text[bytes] & 0xc0) == 0x80)
            bytes--;
    }
    memcpy(out, text, bytes);
    out[bytes] = '\0';
}

static void add_type(struct place *place, const char *type, size_t bytes)
{
    char word[PLACE_TYPES_BYTES_MAX + 1];
    size_t used = strlen(place->types);
    snprintf(word, sizeof word, "%.*s", (int)bytes, type);
    if (bytes == 0 || place_is(place, word) || used + 1 + bytes > PLACE_TYPES_BYTES_MAX)
        return;
    snprintf(place->types + used, sizeof place->types - used, "%s%s", used > 0 ? "," : "", word);
}

static void add_types(struct place *place, const char *types)
{
    for (const char *at = types; *at != '\0';) {
        size_t bytes = strcspn(at, ",");
        add_type(place, at, bytes);
        at += bytes + (at[bytes] == ',');
    }
}

static void add_faith(const json_t *tags, struct place *place)
{
    const char *religion = find_tag(tags, "religion");
    for (size_t i = 0; religion != NULL && i < sizeof faiths / sizeof *faiths; i++) {
        if (strcmp(religion, faiths[i].religion) == 0)
            add_types(place, faiths[i].type);
    }
}

/* Types of every row that fits, and the highest rank of them, in `place`. */
static void look_up(const json_t *tags, struct place *place)
{
    const char *key = "", *value = NULL, *known = "";
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct tag *tag = &table[i];
        if (strcmp(tag->key, key) != 0) {
            key = tag->key;
            value = find_tag(tags, key);
        }
        if (value == NULL || strcmp(value, "no") == 0 || known == key)
            continue;
        if (tag->value != NULL && strcmp(tag->value, value) != 0)
            continue;
        known = key;
        if (strcmp(value, "place_of_worship") == 0)
            add_faith(tags, place);
        add_types(place, tag->types);
        if (tag->rank > place->rank)
            place->rank = tag->rank;
    }
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t measure_fame(const json_t *tags)
{
    uint32_t fame = least((uint32_t)json_object_size(tags) / TAGS_PER_RANK, TAGS_RANK_MAX);
    const char *population = find_tag(tags, "population");
    if (population != NULL)
        fame += DIGIT_RANK * least((uint32_t)strspn(population, "0123456789"), DIGITS_MAX);
    fame += find_tag(tags, "wikipedia") != NULL ? ENCYCLOPEDIA_RANK : 0;
    fame += find_tag(tags, "wikidata") != NULL ? ENCYCLOPEDIA_RANK : 0;
    fame += find_tag(tags, "heritage") != NULL ? HERITAGE_RANK : 0;
    return fame;
}

/* "405 Hilgard Avenue, Los Angeles", or as much of it as there is. */
static void write_vicinity(const json_t *tags, struct place *place)
{
    char text[4 * (PLACE_VICINITY_BYTES_MAX + 1)];
    const char *number = find_tag(tags, "addr:housenumber");
    const char *street = find_tag(tags, "addr:street");
    const char *city = find_tag(tags, "addr:city");
    if (street == NULL)
        street = find_tag(tags, "addr:place");
    if (street == NULL || number == NULL)
        number = "";
    snprintf(text, sizeof text, "%s%s%s%s%s", number, number[0] != '\0' ? " " : "",
             street != NULL ? street : "", street != NULL && city != NULL ? ", " : "",
             city != NULL ? city : "");
    tags_copy(text, place->vicinity, PLACE_VICINITY_BYTES_MAX);
}

bool tags_read(const json_t *tags, struct place *place)
{
    place->types[0] = '\0';
    place->rank = 0;
    look_up(tags, place);
    if (place->types[0] == '\0')
        return false;
    place->rank = least(place->rank + measure_fame(tags), PLACE_RANK_MAX);
    /* Google gives a city's own name as its vicinity. */
    if (place_is(place, "political"))
        tags_copy(place->name, place->vicinity, PLACE_VICINITY_BYTES_MAX);
    else
        write_vicinity(tags, place);
    return true;
}
