#include "topology/cli/terminal.h"

#include <stdio.h>

#include "bus/base/printable.h"

void terminal_append(struct buffer *out, struct span lines)
{
    for (size_t i = 0; i < lines.len; i++) {
        char byte = lines.data[i], shown[] = "\\x00";
        if (byte == '\\')
            snprintf(shown, sizeof shown, "\\\\");
        else if (byte == '\n' || byte == printable(byte))
            snprintf(shown, sizeof shown, "%c", byte);
        else
            snprintf(shown, sizeof shown, "\\x%02x", (unsigned char)byte);
        buffer_append(out, span_of(shown));
    }
}
