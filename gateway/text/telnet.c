#include "gateway/text/telnet.h"

#include "bus/base/token.h"

/* RFC 854, "TELNET COMMAND STRUCTURE"; EOF is RFC 1184's. Commands without a name here are two
 * bytes long, mean nothing to a server of lines, and are dropped. */
enum {
    BYTE_EOF = 236,
    BYTE_SE = 240,
    BYTE_IP = 244,
    BYTE_SB = 250,
    BYTE_WILL = 251,
    BYTE_WONT = 252,
    BYTE_DO = 253,
    BYTE_DONT = 254,
};

/* WONT and DONT describe the state that holds already and need no answer. */
static void refuse(uint8_t verb, uint8_t option, struct buffer *answers)
{
    if (verb != BYTE_DO && verb != BYTE_WILL)
        return;
    char answer[] = {(char)TELNET_BYTE_IAC, (char)(verb == BYTE_DO ? BYTE_WONT : BYTE_DONT),
                     (char)option};
    buffer_append(answers, (struct span){answer, sizeof answer});
}

/* The state after the byte that follows an IAC in text. */
static enum telnet_state command_state(uint8_t byte)
{
    switch (byte) {
    case BYTE_EOF:
        return TELNET_ENDED;
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

/* A sub-negotiation ends at IAC SE only; IAC IAC is one of its bytes, and so is any other byte
 * after an IAC, as it has no meaning there. */
static enum telnet_state sub_state(enum telnet_state state, uint8_t byte)
{
    if (state == TELNET_SUB)
        return byte == TELNET_BYTE_IAC ? TELNET_SUB_IAC : TELNET_SUB;
    return byte == BYTE_SE ? TELNET_TEXT : TELNET_SUB;
}

/* End of file, interrupt, erase the line, suspend and quit, as terminals of Unix have them. */
static bool is_key(uint8_t byte)
{
    return byte == 'D' - '@' || byte == 'C' - '@' || byte == 'U' - '@' || byte == 'Z' - '@' ||
           byte == '\\' - '@';
}

static void start_line(struct telnet *telnet)
{
    telnet->after_cr = false;
    telnet->within_line = false;
}

/* A byte of text: false where it is to be dropped; a NUL that ends a line becomes an LF. */
static bool take_text(struct telnet *telnet, char *byte)
{
    bool is_silent = telnet->state == TELNET_SILENT;
    if (!is_silent && *byte == '\0' && telnet->after_cr)
        *byte = '\n';
    if (*byte == '\n') {
        start_line(telnet);
        return true;
    }
    telnet->after_cr = *byte == '\r';
    if (!is_silent && !telnet->within_line && is_key((uint8_t)*byte))
        return false;
    telnet->within_line |= !token_is_white(*byte);
    return true;
}

/* One byte; false where it is no text. Sets `*is_interrupt` at the end of an IAC IP. */
static bool take_byte(struct telnet *telnet, char *byte, bool *is_interrupt, struct buffer *answers)
{
    uint8_t value = (uint8_t)*byte;
    *is_interrupt = false;
    switch (telnet->state) {
    case TELNET_SILENT:
    case TELNET_TEXT:
        if (value != TELNET_BYTE_IAC)
            return take_text(telnet, byte);
        telnet->state = TELNET_IAC;
        return false;
    case TELNET_IAC:
        telnet->state = command_state(value);
        telnet->verb = value;
        *is_interrupt = value == BYTE_IP;
        return value == TELNET_BYTE_IAC && take_text(telnet, byte);
    case TELNET_OPTION:
        refuse(telnet->verb, value, answers);
        telnet->state = TELNET_TEXT;
        return false;
    case TELNET_SUB:
    case TELNET_SUB_IAC:
        telnet->state = sub_state(telnet->state, value);
        return false;
    case TELNET_ENDED:
        return false;
    }
    return false;
}

size_t telnet_filter(struct telnet *telnet, char *bytes, size_t count, bool *interrupted,
                     struct buffer *answers)
{
    size_t remain = 0, line_start = 0; /* line_start: after the last LF; 0 means none came */
    *interrupted = false;
    for (size_t i = 0; i < count; i++) {
        char byte = bytes[i];
        bool is_interrupt;
        if (take_byte(telnet, &byte, &is_interrupt, answers)) {
            bytes[remain++] = byte;
            if (byte == '\n')
                line_start = remain;
        } else if (is_interrupt) {
            remain = line_start;
            *interrupted |= line_start == 0;
            start_line(telnet);
        }
    }
    return remain;
}
