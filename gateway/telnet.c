#include "gateway/telnet.h"

/* RFC 854, "TELNET COMMAND STRUCTURE". Commands without a name here are two bytes long, mean
 * nothing to a server of lines, and are dropped. */
enum {
    BYTE_SE = 240,
    BYTE_IP = 244,
    BYTE_SB = 250,
    BYTE_WILL = 251,
    BYTE_WONT = 252,
    BYTE_DO = 253,
    BYTE_DONT = 254,
};

/* RFC 860. */
#define OPTION_TIMING_MARK 6

/* Marks the option as declined; false if it already was. */
static bool mark(uint8_t declined[32], uint8_t option)
{
    uint8_t bit = (uint8_t)(1 << option % 8);
    bool fresh = (declined[option / 8] & bit) == 0;
    declined[option / 8] |= bit;
    return fresh;
}

/* WONT and DONT are what is so anyway and need no answer. */
static void decline(struct telnet *telnet, uint8_t option, struct buffer *answers)
{
    bool asks_us = telnet->verb == BYTE_DO;
    if (!asks_us && telnet->verb != BYTE_WILL)
        return;
    bool fresh = mark(telnet->answered[asks_us ? 0 : 1], option);
    if (!fresh && !(asks_us && option == OPTION_TIMING_MARK))
        return;
    char answer[] = {(char)TELNET_BYTE_IAC, (char)(asks_us ? BYTE_WONT : BYTE_DONT), (char)option};
    buffer_append(answers, (struct span){answer, sizeof answer});
}

/* The state after the byte that follows an IAC in text. */
static enum telnet_state command_state(uint8_t byte)
{
    switch (byte) {
    case BYTE_SB:
        return TELNET_SUB;
    case BYTE_WILL:
    case BYTE_WONT:
    case BYTE_DO:
    case BYTE_DONT:
        return TELNET_OPTION;
    default:
        return TELNET_TEXT;
    }
}

/* A sub-negotiation ends at IAC SE only; IAC IAC is one of its bytes, and so is, for want of a
 * meaning, any other byte behind an IAC. */
static enum telnet_state sub_state(enum telnet_state state, uint8_t byte)
{
    if (state == TELNET_SUB)
        return byte == TELNET_BYTE_IAC ? TELNET_SUB_IAC : TELNET_SUB;
    return byte == BYTE_SE ? TELNET_TEXT : TELNET_SUB;
}

size_t telnet_filter(struct telnet *telnet, char *bytes, size_t count, bool *interrupted,
                     struct buffer *answers)
{
    size_t remain = 0, line_start = 0; /* line_start: behind the last LF; 0 means none came */
    *interrupted = false;
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)bytes[i];
        bool is_text = false;
        switch (telnet->state) {
        case TELNET_TEXT:
            is_text = byte != TELNET_BYTE_IAC;
            telnet->state = is_text ? TELNET_TEXT : TELNET_IAC;
            break;
        case TELNET_IAC:
            is_text = byte == TELNET_BYTE_IAC;
            telnet->state = command_state(byte);
            telnet->verb = byte;
            if (byte == BYTE_IP) {
                remain = line_start;
                *interrupted |= line_start == 0;
            }
            break;
        case TELNET_OPTION:
            decline(telnet, byte, answers);
            telnet->state = TELNET_TEXT;
            break;
        case TELNET_SUB:
        case TELNET_SUB_IAC:
            telnet->state = sub_state(telnet->state, byte);
            break;
        }
        if (is_text)
            bytes[remain++] = (char)byte;
        if (is_text && byte == '\n')
            line_start = remain;
    }
    return remain;
}
