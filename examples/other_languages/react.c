/* A device's own program, in C, that reacts to how it is spoken to: it reads the lines of `edge-ser listen --json`.
 *
 * It needs no JSON library: `value_of` finds a key at the top of a line, whatever stands before it, and a key that it does
 * not know it passes over, as the schema (`edge-ser schema`) asks of readers.
 *
 *     cc -Wall -o react react.c
 *     edge-ser listen --json | ./react
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 8192 }; /* one of edge-ser has some 500 characters */

/* Return the end of the string that begins at a quotation mark. */
static const char *end_of_string(const char *text)
{
    for (text++; *text && *text != '"'; text++)
        if (*text == '\\' && text[1])
            text++;
    return *text ? text + 1 : text;
}

static const char *skip_spaces(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

/* Return where the value of a key of the outermost object begins; NULL where it has no such key. */
static const char *value_of(const char *line, const char *key)
{
    size_t length = strlen(key);
    int depth = 0;
    for (const char *at = line; *at;) {
        if (*at == '"') {
            const char *end = end_of_string(at);
            const char *colon = skip_spaces(end);
            if (depth == 1 && *colon == ':' && (size_t)(end - at) == length + 2 && !strncmp(at + 1, key, length))
                return skip_spaces(colon + 1);
            at = end;
            continue;
        }
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        at++;
    }
    return NULL;
}

/* Copy a key's string, as far as it fits; an empty one where the key is absent or null. Names have no escapes. */
static void string_of(const char *line, const char *key, char *copy, size_t size)
{
    const char *value = value_of(line, key);
    size_t length = 0;
    if (value && *value == '"')
        for (value++; *value && *value != '"' && length + 1 < size; value++)
            copy[length++] = *value;
    copy[length] = '\0';
}

static double number_of(const char *line, const char *key)
{
    const char *value = value_of(line, key);
    return value ? strtod(value, NULL) : 0.0;
}

int main(void)
{
    char line[LONGEST_LINE], state[32], emotion[64], shown[64] = "";
    while (fgets(line, sizeof line, stdin)) {
        if (!value_of(line, "state"))
            continue; /* the last line says what it has cost */
        string_of(line, "state", state, sizeof state);
        string_of(line, "emotion", emotion, sizeof emotion);
        const char *now = *emotion ? emotion : state;
        if (!strcmp(now, shown))
            continue;
        strcpy(shown, now); /* both have 64 */
        printf("%.2f s: %s (%.2f)\n", number_of(line, "time"), now, number_of(line, "confidence"));
        fflush(stdout);
    }
    return 0;
}
