/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main() for a fuzz target built without libFuzzer: runs every file of the folders or files given,
 * once each. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int inputs;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;

    if (!file || fstat(fileno(file), &st) != 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    uint8_t *data =
        malloc(st.st_size ? st.st_size : 1); /* exact size: an overread meets the sanitizer */
    if (!data || fread(data, 1, st.st_size, file) != (size_t)st.st_size)
        exit(2);
    fclose(file);
    LLVMFuzzerTestOneInput(data, st.st_size);
    free(data);
    inputs++;
}

static void run_path(const char *path)
{
    DIR *dir = opendir(path);

    if (!dir) {
        run_file(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        char child[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        run_path(child);
    }
    closedir(dir);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%d inputs ran\n", inputs);
    return inputs ? 0 : 1;
}
