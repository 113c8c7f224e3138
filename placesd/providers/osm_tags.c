#include "placesd/providers/osm_tags.h"

const char *const osm_tags_keys[OSM_TAGS_KEYS] = {
    "place",   "tourism",    "historic", "aeroway",  "station",  "railway",
    "amenity", "leisure",    "natural",  "waterway", "landuse",  "man_made",
    "shop",    "healthcare", "office",   "craft",    "building",
};

/* A row without a value stands for every other value of the key, and is the last one of it. */
static const struct osm_tag tags[] = {
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

bool osm_tags_next(const char **list, struct span *value)
{
    static const char space[] = " \t\r\n\v\f";
    while (**list != '\0') {
        const char *at = *list + strspn(*list, space);
        size_t bytes = strcspn(at, ";");
        *list = at + bytes + (at[bytes] == ';');
        while (bytes > 0 && strchr(space, at[bytes - 1]) != NULL)
            bytes--;
        *value = (struct span){at, bytes};
        if (bytes > 0)
            return true;
    }
    return false;
}

const struct osm_tag *osm_tags_find(const char *key, struct span value)
{
    /* The tag says that there is nothing of the kind. */
    if (span_equals(value, span_of("no")))
        return NULL;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        const struct osm_tag *tag = &tags[i];
        if (strcmp(tag->key, key) == 0 &&
            (tag->value == NULL || span_equals(value, span_of(tag->value))))
            return tag;
    }
    return NULL;
}
