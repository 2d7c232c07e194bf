/* fhirexport-server client add NAME: registers a client. */
#ifndef SERVER_CLIENT_ADD_H
#define SERVER_CLIENT_ADD_H

/* `argv` from NAME on. Makes a key pair and the entry in the file of clients, which is made if it
   is missing. The private key is in a file of its own, which only its owner can read; nothing is
   overwritten. The exit code of the program, with a message on stderr if it is not 0. */
int client_add(int argc, char **argv);

#endif
