/* wolfSSL of Debian has no programs: what `openssl s_client -dtls1_2` and `s_server` do, by its library. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Which certificate it is, the other end says: here any will do. */
static int trust(int preverified, WOLFSSL_X509_STORE_CTX *store)
{
    (void)preverified;
    (void)store;
    return 1;
}

static void fail(const char *what, WOLFSSL *ssl)
{
    fprintf(stderr, "%s: %d\n", what, ssl ? wolfSSL_get_error(ssl, 0) : 0);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int server = strcmp(argv[1], "server") == 0;
    setvbuf(stdout, NULL, _IONBF, 0);
    wolfSSL_Init();
    WOLFSSL_CTX *context = wolfSSL_CTX_new(server ? wolfDTLSv1_2_server_method() : wolfDTLSv1_2_client_method());
    if (wolfSSL_CTX_use_certificate_file(context, argv[3], WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_use_PrivateKey_file(context, argv[3], WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
        fail("the certificate", NULL);
    wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, trust);

    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (server) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        char byte;
        if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
            recvfrom(fd, &byte, 1, MSG_PEEK, (struct sockaddr *)&from, &length) < 0)
            fail("no hello", NULL);
        address = from;
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("not connected", NULL);

    WOLFSSL *ssl = wolfSSL_new(context);
    wolfSSL_dtls_set_peer(ssl, &address, sizeof address);
    wolfSSL_set_fd(ssl, fd);
    if ((server ? wolfSSL_accept(ssl) : wolfSSL_connect(ssl)) != WOLFSSL_SUCCESS)
        fail("no handshake", ssl);

    struct pollfd polled[] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    char buffer[4096];
    while (poll(polled, 2, -1) > 0) {
        if (polled[0].revents) {
            ssize_t length = read(0, buffer, sizeof buffer);
            if (length <= 0 || wolfSSL_write(ssl, buffer, length) != length)
                return 0;
        }
        if (polled[1].revents) {
            int length = wolfSSL_read(ssl, buffer, sizeof buffer);
            if (length <= 0)
                return 0;
            fwrite(buffer, 1, length, stdout);
        }
    }
    return 0;
}
