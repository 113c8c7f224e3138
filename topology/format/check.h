/* topology_check: the lines of a topology file into a checked struct topology, or every fault.
 *
 * It decides what sections and keys have to say together: names, addresses, and that the herd is in
 * one piece. What a key may say by itself stands in topology/format/schema.h. How a line is taken
 * apart is ZPL's affair (https://rfc.zeromq.org/spec/4/) and was done before, by topology/load.c.
 *
 *     herd
 *         name = fall2016
 *     node
 *         name = Alford
 *         clients = tcp://127.0.0.1:11500
 *         bus = tcp://127.0.0.1:12500
 *     link
 *         between = Alford Hamilton
 *     observer
 *         name = Ear
 *         of = Alford
 *         bus = tcp://127.0.0.1:12590
 *     operator
 *         name = Ada
 *     web
 *         of = Alford
 *         observer = Ear
 *         listen = tcp://127.0.0.1:14500
 *     places
 *         gateways = tcp://127.0.0.1:13500
 *         workers = tcp://127.0.0.1:13501
 *         provider = landmarks
 *         url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
 *
 * What is bound may be "*" or the name of an interface; where somebody else has to reach it,
 * `bus_at`, `gateways_at` or `workers_at` then says how. And, for keys:
 *
 *     herd
 *         keys = fall2016.keys        # the folder of the secret keys, written by `zherd keygen`
 *     node
 *         public_key = "KEY"          # or "KEY KEY" while a new one replaces an old one
 *     places
 *         public_key = "KEY"          # the same in each: brokers and workers share one pair
 *
 * And, for what is over and whom clients may forget, the same in the files of all nodes:
 *
 *     herd
 *         expire = 24h
 *         forget = yes
 *
 * Either the whole herd has keys or no part of it. Without them nodes and the places service trust
 * every process that reaches them, so they may be reached from this machine only; `insecure = yes`
 * in herd lifts that restriction. Keys stand in quotes, because some of them hold a #. Secrets
 * never stand in a topology.
 *
 * Invariant: nothing that a line says is dropped without a fault. */
#ifndef ZHERD_TOPOLOGY_FORMAT_CHECK_H
#define ZHERD_TOPOLOGY_FORMAT_CHECK_H

#include <stdbool.h>

#include "topology/format/faults.h"
#include "topology/format/sections.h"
#include "topology/format/topology.h"

/* Borrows the entries. True and a filled `topology` (release with topology_free) when `faults`
 * stayed empty; else `topology` holds nothing. Running out of memory is a fault of line 0. */
bool topology_check(const struct topology_entry *entries, size_t count, struct topology *topology,
                    struct topology_faults *faults);

/* Adds every fault of the keys of a herd that topology_check has filled: they are everywhere and
 * all different, or nowhere and then on loopback only; and monitors are on loopback, or have keys
 * and a token. `zherd keygen` alone works on a herd that
 * does not meet this. */
void topology_check_keys(const struct topology *topology, struct topology_faults *faults);

#endif
